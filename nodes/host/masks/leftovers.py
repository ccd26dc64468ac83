"""Temporary files that a killed process left behind."""

import time
from contextlib import suppress
from pathlib import Path

STALE_SECONDS = 3600
"""A temporary file this old is written by nobody any more."""


def sweep(folder: Path, pattern: str) -> None:
    """Delete the stale ones of a folder's files that fit ``pattern``."""
    for path in folder.glob(pattern):
        with suppress(OSError):  # another server was faster
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
