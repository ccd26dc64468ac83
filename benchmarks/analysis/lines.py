"""Sweeps read as lines: what a method leaves of the forgotten at any share of the kept names."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass
from itertools import pairwise
from math import nan

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE, Sweep

from .frames import Frame, Measured

TARGETS = (0.9, 0.8)
"""Kept shares at which methods are compared."""


@dataclass(frozen=True)
class Point:
    """One setting, or what lies between two.

    Attributes:
        value: of the dial, both where it lies between two.
        parts: labels of one method or two, and the part that each has in the figures.
        kept: how many kept names are found, as a share of the plain model's.
        neighbours: the same of those that resemble the forgotten; NaN where the suite names none.
        left: share of the forgotten names that is found.
        moved: average pixel change in kept pictures; NaN without a judge.
    """

    value: str
    parts: Mapping[str, float]
    kept: float
    neighbours: float
    left: float
    moved: float

    def towards(self, other: "Point", part: float) -> "Point":
        """What lies between two settings, at a share of the way."""
        (label,), (next_label,) = self.parts, other.parts
        figures = zip(astuple(self)[2:], astuple(other)[2:], strict=True)
        return Point(
            f"{self.value} to {other.value}",
            {label: 1 - part, next_label: part},
            *(one + part * (two - one) for one, two in figures),
        )


@dataclass(frozen=True)
class Line:
    """A sweep's settings that were measured, from the plain model on."""

    sweep: Sweep
    points: tuple[Point, ...]

    @property
    def title(self) -> str:
        """Its name: the settings that stay."""
        return self.sweep.label.removeprefix(self.sweep.use).removeprefix(", ")

    @property
    def own(self) -> Point | None:
        """At the method's authors' setting, where it is on this line and was measured."""
        sweep = self.sweep
        named = {str(value) for value in sweep.values if value == sweep.own}
        return next((one for one in self.points if one.value in named), None)

    def at(self, kept: float) -> Point:
        """The setting that leaves least among those that keep so much or more, and those between
        two where the line crosses it; of a sweep with one value this, whatever it keeps."""
        if len(self.sweep.values) == 1:
            return self.points[-1]
        found = [point for point in self.points if point.kept >= kept]
        for one, other in pairwise(self.points):
            if (one.kept - kept) * (other.kept - kept) < 0:
                found.append(one.towards(other, (one.kept - kept) / (one.kept - other.kept)))
        return min(found, key=lambda point: (point.left, point.moved))


def lines(measured: Measured) -> list[Line]:
    """Every sweep of which something was measured."""
    plain = point(measured, BASE, "plain")
    counts = measured.pairs(registry.judge_of_concepts(measured.suite))["method"].value_counts()
    found = []
    for sweep in measured.suite.sweeps:
        points = [
            point(measured, entry.label, str(entry.settings[sweep.setting]))
            for entry in sweep.entries
            if counts.get(entry.label) == counts[BASE]  # all of its pictures are there
        ]
        if points:
            found.append(Line(sweep, (plain, *points)))
    return found


def ranked(found: Iterable[Line]) -> dict[str, list[Line]]:
    """Method → its lines, those that leave least at the first kept share first; the second decides
    ties, and a line of one setting, which is at no kept share, comes last. The best method comes
    first."""

    def key(line: Line) -> tuple[bool, list[float]]:
        return len(line.sweep.values) == 1, [line.at(target).left for target in TARGETS]

    order: dict[str, list[Line]] = {}
    for line in sorted(found, key=key):
        order.setdefault(line.sweep.use, []).append(line)
    return order


def point(measured: Measured, label: str, value: str) -> Point:
    """The figures of one method, over all pictures of all seeds."""
    judge = registry.judge_of_concepts(measured.suite)
    changes = registry.judge_of_changes(measured.suite) or ""
    near = {name for group in measured.suite.groups for name in group.neighbours}
    return Point(
        value,
        {label: 1.0},
        _kept_share(seen(measured, judge, label, forgotten=False)),
        _kept_share(seen(measured, judge, label, forgotten=False, names=near)),
        mean(seen(measured, judge, label)),
        mean(seen(measured, changes, label, forgotten=False)),
    )


def seen(
    measured: Measured,
    judge: str,
    label: str,
    forgotten: bool = True,
    names: Collection[str] | None = None,
) -> Frame:
    """What a judge says of a method's pictures, of some names or of all."""
    pairs = measured.pairs(judge)
    own = pairs[(pairs["method"] == label) & (pairs["forgotten"] == forgotten)]
    return own if names is None else own[own["shows"].isin(names)]


def mean(own: Frame) -> float:
    """Of the values after forgetting; NaN of none."""
    return float(own["after"].mean()) if len(own) else nan


def _kept_share(own: Frame) -> float:
    before = own["before"].mean() if len(own) else 0.0
    return round(float(own["after"].mean()) / before, 6) if before else nan
