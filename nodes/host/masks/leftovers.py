"""Temporary files that a killed process left behind."""

import time
from contextlib import suppress
from pathlib import Path

from ....fia_core.files.safetensors_file import TEMPORARY

STALE_SECONDS = 3600
"""A temporary file this old is written by nobody any more."""


def sweep(folder: Path) -> None:
    """Delete the stale ones of our temporary files in a folder."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with suppress(OSError):  # another server was faster
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
