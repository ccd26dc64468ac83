"""Finished profiles on disk: what was profiled once is not profiled again, nor after a restart.

One file a profile under the fingerprint of all that made it, so nothing in here is ever out of
date. Files are written whole or not at all; two servers may share the folder.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

import folder_paths

from ....fia_core import ConceptProfile, FIAFileError
from ..files.new_file import sweep

LIMIT_BYTES = 8 * 2**30  # some 400 concepts of SD 1.5, 45 of SDXL, 13 of Flux, 4 of Qwen-Image
SUFFIX = ".safetensors"


class ProfileCache:
    """Profiles by key, for one request; the least recently used go first, its own never.

    Args:
        folder: of the files; made when the first profile comes.
        limit: bytes of all files together, unless the request's own take more.
    """

    def __init__(self, folder: Path, limit: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit = limit
        self._own: set[Path] = set()

    def get(self, key: str) -> ConceptProfile | None:
        """The profile under ``key``, or None.

        A damaged file is removed, one that cannot be read now stays.
        """
        path = self._path(key)
        if not os.path.exists(path):  # nor where the drive is away
            return None
        try:
            profile = ConceptProfile.load(path)
        except FIAFileError as error:
            logging.warning("Forget It All: a cached profile is not used. %s", error)
            if not isinstance(error.__cause__, OSError):
                self._remove(path)
            return None
        self._own.add(path)
        with suppress(OSError):
            os.utime(path)
        return profile

    def put(self, key: str, profile: ConceptProfile) -> str | None:
        """Keep a profile.

        Returns:
            why not, where the disk refuses; the log says so, too.
        """
        refusal = None
        self._own.add(self._path(key))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            profile.save(self._path(key))
        except (OSError, FIAFileError) as error:
            refusal = str(error)
        with suppress(OSError):  # also where the disk is full
            self._make_room()
        return refusal

    def empty(self) -> tuple[int, int]:
        """Remove every profile, and say how many there were and their bytes."""
        sizes = [size for _, size, path in self._files() if self._remove(path)]
        return len(sizes), sum(sizes)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _files(self) -> list[tuple[float, int, Path]]:
        """Time of last use, bytes and path of every profile, least recently used first."""
        found = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return sorted(found)

    def _make_room(self) -> None:
        files = self._files()
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total > self._limit and path not in self._own and self._remove(path):
                total -= size
        sweep(self._folder)

    @staticmethod
    def _remove(path: Path) -> bool:
        """Delete a file, and say whether that worked; another server may have been faster."""
        try:
            path.unlink()
        except OSError:
            return False
        return True


def host_cache() -> ProfileCache:
    """The cache in the host's user folder, where no request of a browser reaches."""
    return ProfileCache(Path(folder_paths.get_system_user_directory("forget_it_all"), "profiles"))
