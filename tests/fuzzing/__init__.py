"""Hostile files, and a guard that watches what reading them does. Needs hypothesis."""
