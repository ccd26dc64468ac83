"""Watch what one piece of work does: files it opens, code it runs, pickles it reads, its time."""

import codecs
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LONGEST = 2.0
"""Seconds of the processor that reading one file may take, whatever else the machine does."""

CODECS = ("utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le")
"""JSON may be in any of them, and Python loads them at their first use."""

FORBIDDEN = ("pickle.", "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "exec", "compile")
"""Beginnings of Python's audit events that reading a file has no business with."""


class GuardError(AssertionError):
    """The work did something that it may not do."""


class Guard:
    """Python's audit events, while something is watched. A process has one, for good."""

    def __init__(self) -> None:
        for name in CODECS:
            codecs.lookup(name)
        self._allowed: Path | None = None
        self._seen: list[str] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self, file: Path) -> Iterator[None]:
        """Allow nothing but to open ``file``, and no more time than ``LONGEST``.

        Raises:
            GuardError: something else was done, or it took longer.
        """
        self._allowed, self._seen = file, []
        start = time.process_time()
        try:
            yield
        finally:
            self._allowed = None
            seconds = time.process_time() - start
            if self._seen:
                raise GuardError(f"it did {self._seen}")
            if seconds > LONGEST:
                raise GuardError(f"it took {seconds:.1f} s")

    def _hear(self, event: str, details: tuple[Any, ...]) -> None:
        if self._allowed is None:
            return
        opens_another = event == "open" and str(details[0]) != str(self._allowed)
        if opens_another or event.startswith(FORBIDDEN):
            self._seen.append(f"{event} {details!r:.200}")
