"""Mask files in the host's models folder ``neuron_masks``."""

import hashlib
import os

import folder_paths

from ....fia_core.mask import MASK_SCHEMA
from .new_file import SUFFIX

FOLDER = "neuron_masks"
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
