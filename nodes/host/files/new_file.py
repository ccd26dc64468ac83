"""New files: a name that nobody has, even while other servers look for one, and no left-overs."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import folder_paths

from ....fia_core.files.safetensors_file import TEMPORARY

SUFFIX = ".safetensors"

STALE_SECONDS = 3600
"""A temporary file this old is written by nobody any more."""


@contextmanager
def new_file(folder: str, prefix: str) -> Iterator[tuple[Path, str]]:
    """A free place for a file, to be written in the block: (path, name in ``folder``).

    The host numbers the files that have ``prefix``, and no other server gets the same number, so
    nothing is overwritten; folders in the prefix are created. What a killed process left half
    written there goes.

    Raises:
        ValueError: if ``prefix`` is empty, leads out of the folder, or there is no room or right to
            write.
    """
    if "\0" in prefix or not os.path.basename(os.path.normpath(prefix)).strip(". "):
        raise ValueError(f"filename_prefix: {prefix!r} names no file. Write one, such as 'mask'.")
    folder = os.path.realpath(folder)
    target = os.path.realpath(os.path.dirname(os.path.join(folder, os.path.normpath(prefix))))
    if not Path(target).is_relative_to(folder):
        raise ValueError(
            f"filename_prefix: {prefix!r} leads out of {folder}. "
            "Use a name, or subfolder/name, without '..' or a leading slash."
        )
    try:
        directory, stem, counter, _, _ = folder_paths.get_save_image_path(prefix, folder)
        sweep(Path(directory))
        names = (Path(directory, f"{stem}_{number:05}_{SUFFIX}") for number in count(counter))
        with reserved(names) as path:
            yield path, os.path.relpath(path, folder)
    except OSError as error:
        raise ValueError(
            f"filename_prefix: nothing can be written in {target} ({error.strerror or error}). "
            "Make room there, get the right to write, or use another name."
        ) from error


@contextmanager
def reserved(names: Iterable[Path]) -> Iterator[Path]:
    """The first free one of ``names``; no other server gets it before the block has written it.

    A hidden file beside it says so, and no empty file is ever listed. What a killed process leaves
    of that is for ``sweep``.

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


def sweep(folder: Path) -> None:
    """Delete the stale ones of our temporary files in a folder."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with suppress(OSError):  # another server was faster
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _made(sign: Path) -> bool:
    """Whether the file is new, and ours."""
    try:
        sign.open("xb").close()
    except FileExistsError:
        return False
    return True
