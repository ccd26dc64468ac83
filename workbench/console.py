"""Progress in a terminal: one line that grows; in a log, its state once a minute."""

import sys

from tqdm import tqdm

from workbench.client import Progress


class ProgressLine(tqdm):
    """Shows a workflow's progress; ``total`` is the number of pictures that will be shown."""

    def __init__(self, title: str, total: int) -> None:
        pause = 0.1 if sys.stdout.isatty() else 60
        super().__init__(
            desc=title,
            total=total,
            unit="picture",
            file=sys.stdout,
            mininterval=pause,
            miniters=0,  # what the running node does is shown before its picture is there
        )

    def __call__(self, progress: Progress) -> None:
        share = progress.value / max(1, progress.maximum)
        self.set_postfix_str(f"{progress.node} {share:.0%}", refresh=False)
        self.update(progress.shown - self.n)
