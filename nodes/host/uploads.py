"""Take in a file that a person sends: its size and its name are not trusted, nothing else stays."""

import filecmp
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .folders import SUFFIX, mask_folder
from .leftovers import sweep

_FORBIDDEN = '<>:"/\\|?*'  # on Windows, so nowhere
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # likewise
_UPLOAD = ".upload"
_MOST_NAME_BYTES = 180  # of the 255 that file systems allow; a number and the suffix follow


class TooLargeError(ValueError):
    """More was sent than is taken in."""


@asynccontextmanager
async def received_file(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[Path]:
    """What is sent, in a file of its own in the mask folder; gone when the block ends.

    Args:
        chunks: the file's bytes.
        limit: most bytes.

    Raises:
        TooLargeError: more bytes than ``limit``.
        OSError: it cannot be written.
    """
    folder = Path(mask_folder())
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder, f".*{_UPLOAD}")
    path = folder / f".{secrets.token_hex(8)}{_UPLOAD}"
    try:
        await _write(chunks, path, limit)
        yield path
    finally:
        path.unlink(missing_ok=True)


def move_in_place(path: Path, stem: str) -> str:
    """Give a received file a free name, or leave it if a file of that name has the same content.

    One rename, so nobody ever reads half a file, and nothing is overwritten.

    Args:
        path: from ``received_file``.
        stem: from ``safe_stem``.

    Returns:
        The file's name as ``list_mask_files`` gives it.

    Raises:
        OSError: it cannot be moved.
    """
    number = 0
    while True:
        name = f"{stem} ({number}){SUFFIX}" if number else f"{stem}{SUFFIX}"
        target = path.with_name(name)
        if target.is_file() and filecmp.cmp(path, target, shallow=False):
            return name
        if _take(target):
            break
        number += 1
    try:
        os.replace(path, target)
    except OSError:
        target.unlink()
        raise
    return name


def safe_stem(filename: str) -> str:
    """A name for a new file, without folder and suffix, that every file system can hold."""
    name = re.split(r"[/\\]", filename)[-1]
    if name.lower().endswith(SUFFIX):
        name = name[: -len(SUFFIX)]
    kept = "".join(
        letter if letter.isprintable() and letter not in _FORBIDDEN else "_" for letter in name
    )
    stem = kept.encode()[:_MOST_NAME_BYTES].decode(errors="ignore").strip(". ")
    return f"_{stem}" if _DEVICES.match(stem) else stem or "mask"


async def _write(chunks: AsyncIterator[bytes], path: Path, limit: int) -> None:
    size = 0
    with open(path, "xb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLargeError(
                    f"The file has more than the {limit:,} bytes that may be uploaded. "
                    f"Copy it into {path.parent} instead."
                )
            file.write(chunk)


def _take(target: Path) -> bool:
    """Make ``target`` an empty file; False where that name is taken."""
    try:
        target.open("xb").close()
    except FileExistsError:
        return False
    return True
