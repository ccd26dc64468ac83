"""Trains the bundled model, its twins and the judges of their pictures; ``start.py`` begins."""
