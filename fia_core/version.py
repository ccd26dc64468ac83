"""The extension's version, which every mask records in its provenance."""

VERSION = "0.1.0"
"""As in ``pyproject.toml``."""
