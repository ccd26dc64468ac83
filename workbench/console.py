"""Progress in a terminal: one line that grows; in a log, a few lines."""

import sys

from workbench.client import Progress

BAR = 24


class ProgressLine:
    """Shows a workflow's progress; ``total`` is the number of pictures that will be shown."""

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        done = progress.shown
        if done == 0:
            share = progress.value / max(1, progress.maximum)
            text = f"{self.title}: {progress.node} {share:4.0%}"
        else:
            text = f"{self.title}: {done:3d} of {self.total} pictures"
        bar = "█" * (done * BAR // max(1, self.total))
        self._show(f"{text}  {bar}")

    def close(self) -> None:
        """End the line."""
        if sys.stdout.isatty() and self._last:
            print(flush=True)

    def _show(self, line: str) -> None:
        if sys.stdout.isatty():
            print(f"\r{line:{len(self._last)}}", end="", flush=True)
        elif line.count("█") != self._last.count("█") or not self._last:
            print(line, flush=True)
        self._last = line
