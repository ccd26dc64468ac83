"""Mask files in the host's models folder ``neuron_masks``."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import folder_paths

from ....fia_core.mask import MASK_SCHEMA
from .leftovers import sweep
from .reservation import reserved

FOLDER = "neuron_masks"
SUFFIX = ".safetensors"
HASH_BLOCK = 1 << 20  # bytes


def register_mask_folder() -> None:
    """Tell the host about ``models/neuron_masks``; folders that a user configured come first."""
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER))


def list_mask_files() -> list[str]:
    """Names of all mask files, relative to their folder."""
    try:
        names = folder_paths.get_filename_list(FOLDER)
    except FileNotFoundError:  # the host remembers a folder that has been deleted since
        folder_paths.filename_list_cache.pop(FOLDER, None)
        names = folder_paths.get_filename_list(FOLDER)
    return [name for name in names if name.endswith(SUFFIX)]


def mask_folder() -> str:
    """The folder that new mask files go into."""
    return folder_paths.get_folder_paths(FOLDER)[0]


def mask_path(name: str) -> str:
    """Full path of the mask file ``name`` from ``list_mask_files``; no other file has one.

    Raises:
        ValueError: if there is no such file in any of the folders.
    """
    path = folder_paths.get_full_path(FOLDER, name) if name in list_mask_files() else None
    if path is None:
        folders = ", ".join(folder_paths.get_folder_paths(FOLDER))
        raise ValueError(
            f"mask_file: there is no mask file {name!r} in {folders}. Upload it in Load Neuron "
            "Mask, or put it there and refresh the node list (R), or choose another."
        )
    return path


def mask_fingerprint(name: str) -> str:
    """SHA-256 of the mask file ``name``: the host runs a loader again when its file changes.

    Empty for a file that is not there. A file that is too large to be a mask is not read; loading
    it says so.
    """
    if name not in list_mask_files():
        return ""
    path = mask_path(name)
    size = os.path.getsize(path)
    if size > MASK_SCHEMA.max_bytes:
        return f"{size} bytes"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


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
    folder = os.path.realpath(folder)
    target = os.path.realpath(os.path.dirname(os.path.join(folder, os.path.normpath(prefix))))
    if not Path(target).is_relative_to(folder):
        raise ValueError(
            f"filename_prefix: {prefix!r} leads out of {folder}. "
            "Use a name, or subfolder/name, without '..' or a leading slash."
        )
    if "\0" in prefix or not os.path.basename(os.path.normpath(prefix)).strip(". "):
        raise ValueError(f"filename_prefix: {prefix!r} names no file. Write one, such as 'mask'.")
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
