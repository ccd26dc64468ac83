"""Sweeps as lines: what is left of the forgotten where equal shares of the kept names are left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from pathlib import Path

from matplotlib import pyplot

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE, NOTHING, Suite, Sweep

from .frames import Measured
from .plots import save
from .tables import table

TARGETS = (0.9, 0.8)
"""Kept shares at which methods are compared."""

TITLES = {False: "Not told what to keep", True: "Told what to keep"}
PRESENCE, FROM_SCENE = "presence", "from_scene"
"""Judges that some suites have."""


@dataclass(frozen=True)
class Point:
    """One setting, or what lies between two.

    Attributes:
        value: of the dial, both where it lies between two.
        kept: how many kept names are found, as a share of the plain model's.
        left: share of the forgotten names that is found.
        there: share of the forgotten's pictures with anything but a scene; NaN without a judge.
        from_scene: distance of these to the plain model's scenes alone; NaN likewise.
        moved: average pixel change in kept pictures.
    """

    value: str
    kept: float
    left: float
    there: float
    from_scene: float
    moved: float

    def towards(self, other: "Point", part: float) -> "Point":
        """A setting between two, at a share of the way."""
        ours, theirs = (list(vars(point).values())[1:] for point in (self, other))
        between = [one + part * (two - one) for one, two in zip(ours, theirs, strict=True)]
        return Point(f"{self.value} to {other.value}", *between)


@dataclass(frozen=True)
class Line:
    """A sweep's settings that were measured, from the plain model on."""

    sweep: Sweep
    points: tuple[Point, ...]

    @property
    def title(self) -> str:
        """Of the settings that stay."""
        return title_of(self.sweep)

    def at(self, kept: float) -> Point:
        """The setting that leaves least among those that keep so much, and those between two where
        the line crosses it."""
        found = [point for point in self.points if point.kept >= kept]
        for one, other in pairwise(self.points):
            if (one.kept - kept) * (other.kept - kept) < 0:
                found.append(one.towards(other, (one.kept - kept) / (one.kept - other.kept)))
        return min(found, key=lambda point: (point.left, point.moved))


def title_of(sweep: Sweep) -> str:
    """Of the settings that stay."""
    return sweep.label.removeprefix(sweep.use).removesuffix(", told").removeprefix(", ")


def lines(measured: Measured, told: bool) -> list[Line]:
    """Every sweep of which something was measured; of those that are told, or of the others."""
    plain = point(measured, BASE, "plain")
    counts = measured.pairs(registry.judge_of_concepts(measured.suite))["method"].value_counts()
    found = []
    for sweep in _of(measured.suite, told):
        points = [
            point(measured, entry.label, str(entry.settings[sweep.setting]))
            for entry in sweep.entries
            if counts.get(entry.label) == counts[BASE]  # all of its pictures are there
        ]
        if points:
            found.append(Line(sweep, (plain, *points)))
    return found


def _of(suite: Suite, told: bool) -> list[Sweep]:
    return [sweep for sweep in suite.sweeps if sweep.told == told]


def point(measured: Measured, label: str, value: str) -> Point:
    """The figures of one method, over all pictures of all seeds."""
    judge = registry.judge_of_concepts(measured.suite)
    before = _mean(measured, judge, BASE, forgotten=False)
    kept = _mean(measured, judge, label, forgotten=False)
    return Point(
        value,
        round(kept / before, 6) if before else nan,
        _mean(measured, judge, label),
        _mean(measured, PRESENCE, label),
        _mean(measured, FROM_SCENE, label),
        _mean(measured, registry.judge_of_changes(measured.suite) or "", label, forgotten=False),
    )


def _mean(measured: Measured, judge: str, label: str, forgotten: bool = True) -> float:
    pairs = measured.pairs(judge)
    own = pairs[(pairs["method"] == label) & (pairs["forgotten"] == forgotten)]
    return float(own["after"].mean()) if len(own) else nan


def best(found: Iterable[Line], first: float = TARGETS[0]) -> dict[str, Line]:
    """Method → the line that leaves least at a kept share; the other one decides ties."""
    order = sorted(TARGETS, key=lambda target: target != first)
    chosen: dict[str, Line] = {}
    for line in sorted(found, key=lambda line: [line.at(target).left for target in order]):
        chosen.setdefault(line.sweep.use, line)
    return chosen


def curve_parts(measured: Measured, plot: Path) -> list[str]:
    """Markdown: a table each for methods that were told and that were not, and a plot of both;
    a sentence where the model cannot be measured."""
    if isnan(point(measured, BASE, "plain").kept):
        return ["The plain model draws none of the names to keep, so no share of them can be left."]
    found = {told: lines(measured, told) for told in TITLES}
    found = {told: own for told, own in found.items() if own}
    shown = {told: _shown(measured, own) for told, own in found.items()}
    draw(shown, plot)
    parts = [_about(measured), f"![Left against kept]({plot.name})"]
    for told, own in found.items():
        parts += [f"## {TITLES[told]}", _table(shown[told])]
        if measured.suite.chooses:
            parts += [_chosen(own, _of(measured.suite, told))]
    return parts


def _shown(measured: Measured, own: list[Line]) -> list[Line]:
    """The best line of each method where the suite chooses them, else all; the least left first."""
    some = best(own).values() if measured.suite.chooses else own
    return sorted(some, key=lambda line: [line.at(target).left for target in TARGETS])


def _about(measured: Measured) -> str:
    plain = point(measured, BASE, "plain")
    kept = _mean(measured, registry.judge_of_concepts(measured.suite), BASE, forgotten=False)
    alone = measured.pictures[
        (measured.pictures["method"] == BASE) & (measured.pictures["shows"] == NOTHING)
    ]
    there = float(alone[PRESENCE].mean()) if PRESENCE in alone and len(alone) else nan
    return (
        f"The plain model draws {_percent(plain.left)} of the names to forget and "
        f"{_percent(kept)} of those to keep; something is there in "
        f"{_percent(plain.there)} of the pictures, and in {_percent(there)} of its scenes alone. "
        f"Its pictures are {_percent(plain.from_scene, 1)} from the scenes alone. *Kept* is the "
        "share of these kept names that is left; a line is followed from the plain model on, and "
        "between two settings its figures are interpolated."
    )


def _table(some: Sequence[Line]) -> str:
    head = ["method", "its line"]
    for target in TARGETS:
        head += [f"left at {target:.0%} kept", "something there", "from the scene alone"]
    rows = []
    for line in some:
        high, low = (line.at(target) for target in TARGETS)
        dial = f"{line.title}, {line.sweep.setting} {high.value}".removeprefix(", ")
        cells = [registry.method(line.sweep.use).title, dial]
        for one in (high, low):
            cells += [f"**{_percent(one.left)}**", _percent(one.there)]
            cells += [_percent(one.from_scene, 1)]
        rows.append([*cells, _percent(high.moved, 1)])
    return table([*head, "average pixel change in kept pictures, at 90 %"], rows)


def _chosen(own: Sequence[Line], sweeps: Sequence[Sweep]) -> str:
    """The lines that a suite of test names takes: of each method the first, and the best."""
    first = {sweep.use: sweep for sweep in reversed(sweeps)}
    chosen = [best(own, target) for target in TARGETS]
    rows = [
        [registry.method(use).title, title_of(sweep), *(some[use].title for some in chosen)]
        for use, sweep in reversed(first.items())
        if use in chosen[0]
    ]
    head = ["method", "authors' own", *(f"chosen at {target:.0%} kept" for target in TARGETS)]
    return table(head, rows, "Lines for test names:")


def _percent(share: float, digits: int = 0) -> str:
    return "–" if isnan(share) else f"{share:.{digits}%}"


def draw(shown: dict[bool, list[Line]], path: Path) -> None:
    """Left against kept share, a line a method, a panel each for told and not told."""
    uses = list(dict.fromkeys(line.sweep.use for some in shown.values() for line in some))
    colours = pyplot.get_cmap("tab20").colors  # pyright: ignore[reportAttributeAccessIssue]
    width = 6.2 * max(1, len(shown))
    figure, panels = pyplot.subplots(1, max(1, len(shown)), figsize=(width, 5), squeeze=False)
    for panel, (told, some) in zip(panels[0], shown.items(), strict=False):
        for line in some:
            use = line.sweep.use
            panel.plot(
                [100 * point.kept for point in line.points],
                [100 * point.left for point in line.points],
                marker="o",
                markersize=4,
                linewidth=2.4 if registry.method(use).kind == "ours" else 1.2,
                color=colours[uses.index(use) % len(colours)],
                label=f"{registry.method(use).title} ({line.title})",
            )
        for target in TARGETS:
            panel.axvline(100 * target, color="#bbbbbb", linewidth=0.8, zorder=0)
        panel.set(title=TITLES[told], xlabel="kept share, %", ylabel="left of the forgotten, %")
        panel.set_xlim(102, -2)
        panel.set_ylim(-3, 103)
        panel.legend(fontsize=7)
    save(figure, path)
