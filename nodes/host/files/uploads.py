"""Take in a file that a person sends: its size and its name are not trusted, nothing else stays."""

import filecmp
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count, takewhile
from pathlib import Path

from ....fia_core.files.safetensors_file import TEMPORARY
from .mask_folder import mask_folder
from .new_file import SUFFIX, reserved, sweep

_FORBIDDEN = '<>:"/\\|?*'  # on Windows, so nowhere
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # likewise
_MOST_NAME_BYTES = 180  # of the 255 that file systems allow; a number and the suffix follow


class TooLargeError(ValueError):
    """More was sent than is taken in."""


@asynccontextmanager
async def received_file(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[Path]:
    """The upload, in a file of its own in the mask folder; gone when the block ends.

    Args:
        chunks: the file's bytes.
        limit: most bytes.

    Raises:
        TooLargeError: more bytes than ``limit``.
        OSError: it cannot be written.
    """
    folder = Path(mask_folder())
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}.upload"
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
    for taken in takewhile(os.path.lexists, _names(path, stem)):
        if taken.is_file() and filecmp.cmp(path, taken, shallow=False):
            return taken.name
    with reserved(_names(path, stem)) as target:
        os.replace(path, target)
    return target.name


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


def _names(path: Path, stem: str) -> Iterator[Path]:
    """Beside ``path``: the stem itself, then with a number."""
    yield path.with_name(f"{stem}{SUFFIX}")
    for number in count(1):
        yield path.with_name(f"{stem} ({number}){SUFFIX}")
