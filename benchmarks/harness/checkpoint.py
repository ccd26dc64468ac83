"""The checkpoint of a suite: its file, and which it is."""

import hashlib
from functools import cache
from pathlib import Path

from .suite import Suite, SuiteError

PART = 1 << 24  # bytes read at once


def with_checkpoint(suite: Suite, path: Path) -> Suite:
    """The suite with another file in place of its checkpoint.

    Raises:
        SuiteError: it has none.
    """
    if suite.checkpoint is None:
        raise SuiteError(f"--checkpoint: {suite.name} draws with the demo model; leave it out")
    return suite.model_copy(update={"checkpoint": path})


def require_checkpoint(path: Path) -> None:
    """Raise SuiteError if the checkpoint is not there."""
    if not path.is_file():
        raise SuiteError(
            f"checkpoint: {path} is not there; put it there, or name the file with --checkpoint. "
            "With --dry-run the bundled demo model stands in for it."
        )


@cache
def fingerprint(path: Path) -> str:
    """A hash of the file's content.

    Raises:
        SuiteError: the file is not there.
    """
    require_checkpoint(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
    return digest.hexdigest()
