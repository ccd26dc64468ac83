"""A sample of the pictures behind a suite's rows, drawn anew with the code as it is now.

Rows that an earlier version drew stay true of what there is now where their pictures come out the
same: so says the sentence that a report quotes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path

from . import registry
from .ledger import Origin, Row
from .places import Places
from .provenance import current_commit
from .runner import Task
from .shots import Shot
from .suite import BASE, Suite

Key = tuple[str, str, str, Shot]
"""Label and settings of a method, its group, and what was asked for."""

SAME = 1e-3
"""Relative: another processor rounds otherwise, and a pixel comes out one level higher or lower."""


@dataclass(frozen=True)
class RedrawPlaces(Places):
    """The suite's own folders but for the rows, which start anew and are thrown away."""

    @property
    def rows(self) -> Path:
        return self.server / "redrawn.csv"

    @property
    def commits(self) -> Path:
        return self.server / "redrawn.commits"


@dataclass(frozen=True)
class Redrawn:
    """Pictures that were drawn again, how many a judge sees otherwise, and whose they are."""

    pictures: int
    differing: int
    methods: tuple[str, ...]

    def sentence(self, suite: Suite) -> str:
        """For the report."""
        same = self.pictures - self.differing
        titles = ", ".join(registry.title(suite, label) for label in self.methods)
        found = f"all judges say the same of {same} of them (distances to a thousandth)"
        return (
            f"{self.pictures} of the pictures of {titles} were drawn again from "
            f"{current_commit()}: {found}."
        )


def sample_tasks(tasks: Sequence[Task], rows: Iterable[Row], count: int) -> list[Task]:
    """Tasks for ``count`` pictures that have rows, evenly spaced, and what they are compared with.

    Args:
        tasks: of the methods to draw from, the base model's among them.
        rows: of the suite.
        count: of pictures by other methods than the base model.

    Raises:
        ValueError: no row is of these tasks.
    """
    answered = {_key(row.origin, row.shot) for row in rows}
    known = [
        (number, shot)
        for number, task in enumerate(tasks)
        if task.entry.label != BASE
        for shot in task.shots
        if _key(task.origin, shot) in answered
    ]
    if not known:
        raise ValueError("there are no rows of these methods as they are set now; run the suite.")
    step = max(1, len(known) // count)
    chosen = set(known[step // 2 :: step][:count])
    compared = {shot for _, shot in chosen}
    compared |= {
        replace(shot, condition=tasks[number].condition.start)
        for number, shot in chosen
        if tasks[number].condition.start
    }
    trimmed = [
        replace(
            task,
            shots=tuple(
                shot
                for shot in task.shots
                if (shot in compared if task.entry.label == BASE else (number, shot) in chosen)
            ),
        )
        for number, task in enumerate(tasks)
    ]
    return [task for task in trimmed if task.shots]


def compare(before: Iterable[Row], after: Iterable[Row]) -> Redrawn:
    """How many pictures of ``after`` every judge sees as in ``before``.

    Args:
        before: the suite's rows.
        after: rows of the pictures that were drawn again.
    """
    values = {(_key(row.origin, row.shot), row.judge): row.value for row in before}
    same: dict[Key, bool] = {}
    for row in after:
        key = _key(row.origin, row.shot)
        if row.shot.prompt and (key, row.judge) in values:
            equal = isclose(row.value, values[key, row.judge], rel_tol=SAME, abs_tol=1e-12)
            same[key] = same.get(key, True) and equal
    methods = tuple(dict.fromkeys(label for label, *_ in same))
    return Redrawn(len(same), sum(not equal for equal in same.values()), methods)


def _key(origin: Origin, shot: Shot) -> Key:
    return origin.method, origin.settings, origin.group, shot
