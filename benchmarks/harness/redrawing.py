"""A sample of the pictures of a suite's rows, drawn again with the code as it is now."""

from collections.abc import Sequence
from dataclasses import replace
from math import isclose

from .rows import Rows
from .runner import Task
from .suite import BASE

SAME = 1e-3
"""Relative: another processor rounds otherwise, and a pixel comes out one level higher or lower."""


def sample_tasks(tasks: Sequence[Task], rows: Rows, count: int) -> list[Task]:
    """Tasks for ``count`` pictures that have rows, evenly spaced, and what they are compared with.

    Args:
        tasks: of the methods to draw from, the base model's among them.
        rows: of the suite.
        count: of pictures by other methods than the base model.

    Raises:
        ValueError: no row is of these tasks.
    """
    known = [
        (number, shot)
        for number, task in enumerate(tasks)
        if task.entry.label != BASE
        for shot in task.shots
        if (task.origin, shot) in rows.pictures
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

    def wanted(number: int, task: Task) -> Task:
        asked = compared if task.entry.label == BASE else {s for n, s in chosen if n == number}
        return replace(task, shots=tuple(shot for shot in task.shots if shot in asked))

    trimmed = [wanted(number, task) for number, task in enumerate(tasks)]
    return [task for task in trimmed if task.shots]


def differing(before: Rows, after: Rows) -> tuple[int, list[str]]:
    """How many pictures of ``after`` were compared, and those that a judge sees otherwise than
    ``before``, in words."""
    shared = [
        (before.pictures[key], one) for key, one in after.pictures.items() if key in before.pictures
    ]
    return len(shared), [
        f"{new.run.method}, {new.run.group or 'all groups'}: {new.shot.prompt!r}, seed "
        f"{new.shot.seed}: {judge} {old.values[judge]:g}, now {value:g}"
        for old, new in shared
        for judge, value in new.values.items()
        if judge in old.values
        and not isclose(value, old.values[judge], rel_tol=SAME, abs_tol=1e-12)
    ]
