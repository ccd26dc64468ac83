"""Rows and pictures of a small suite, without a run to make them."""

from collections.abc import Callable, Iterable, Sequence

from PIL import Image

from benchmarks.analysis.frames import Measured
from benchmarks.harness.places import Places
from benchmarks.harness.rows import Picture, Rows
from benchmarks.harness.runner import Task, origin_of, plan
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import Suite

Seen = tuple[str, str, Shot, str, float]
"""Method, group, shot, judge, value."""


def measured(suite: Suite, seen: Iterable[Seen]) -> Measured:
    """These values as the suite's own."""
    groups = {group.name: group for group in suite.groups}
    rows = Rows()
    for method, group, shot, judge, value in seen:
        run = origin_of(suite, suite.entry(method), groups.get(group))
        if run not in rows.commits:
            rows.begin(run, "", {})
        known = rows.pictures.setdefault((run, shot), Picture(run, shot))
        known.values[judge] = value
    return Measured(suite, rows)


def every_shot(suite: Suite, value: Callable[[str, str, Shot, str], float]) -> Measured:
    """All that the suite asks for; ``value`` is of method, group, shot and judge."""
    return measured(
        suite,
        [
            (label, group, shot, judge, value(label, group, shot, judge))
            for task in plan(suite)
            for label, group in [(task.entry.label, task.group.name if task.group else "")]
            for shot in task.shots
            for judge in suite.judges
        ],
    )


def fill(rows: Rows, tasks: Sequence[Task], value: float = 1.0) -> Rows:
    """The rows with all pictures of these tasks."""
    for task in tasks:
        if task.origin not in rows.commits:
            rows.begin(task.origin, "", {})
        rows.add(Picture(task.origin, shot, {"demo_objects": value}) for shot in task.shots)
    return rows


def paint(suite: Suite, places: Places, picture: Callable[[str, Shot], Image.Image]) -> None:
    """A file for every picture that the suite asks for; ``picture`` is of method and shot."""
    for task in plan(suite):
        for shot in task.shots:
            path = places.picture(task.origin, shot)
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(task.entry.label, shot).save(path)
