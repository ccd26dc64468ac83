"""Rows of a small suite, without a run behind them."""

from collections.abc import Callable, Iterable

from benchmarks.analysis.frames import Measured
from benchmarks.harness.ledger import Origin, Row
from benchmarks.harness.runner import plan
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import Suite

Seen = tuple[str, str, Shot, str, float]
"""Method, group, shot, judge, value."""


def measured(suite: Suite, seen: Iterable[Seen]) -> Measured:
    """These values as the suite's own."""
    concepts = {group.name: group.concepts for group in suite.groups}
    return Measured(
        suite,
        [
            Row(
                Origin(
                    "v",
                    method,
                    suite.settings_hash(suite.entry(method)),
                    group,
                    concepts.get(group, ()),
                ),
                shot,
                judge,
                value,
                1.0,
            )
            for method, group, shot, judge, value in seen
        ],
    )


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
