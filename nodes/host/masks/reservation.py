"""Take a file name that nobody has, even while other servers look for one in the same folder."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ....fia_core.files.safetensors_file import TEMPORARY


@contextmanager
def reserved(names: Iterable[Path]) -> Iterator[Path]:
    """The first free one of ``names``; no other server gets it before the block has written it.

    A hidden file beside it says so, and no empty file is ever listed. What a killed process leaves
    of that is for ``leftovers.sweep``.

    Args:
        names: without an end.

    Raises:
        OSError: the folder cannot be written.
    """
    for path in names:
        sign = path.with_name(f"{TEMPORARY}{path.name}.tmp")
        if not _made(sign):
            continue
        try:
            if not os.path.lexists(path):
                yield path
                return
        finally:
            with suppress(OSError):  # somebody reads it now; it is swept away later
                sign.unlink()


def _made(sign: Path) -> bool:
    """Whether the file is new, and ours."""
    try:
        sign.open("xb").close()
    except FileExistsError:
        return False
    return True
