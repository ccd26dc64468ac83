"""Plots of a suite's rows: PNG files beside the report."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from . import registry
from .comparisons import ByPair, kept_distances
from .ledger import Row
from .outcomes import Answered, Outcome, Spread, mean_by_seed, outcomes_of, over_seeds
from .runner import OVERLAP
from .suite import BASE, Entry, Group, Suite

matplotlib.use("Agg")

from matplotlib import pyplot

DPI = 120
REFERENCE_COLOUR, BASE_COLOUR = "#c2410c", "#777777"
COLOURS = (
    "#1d4ed8",
    "#0f766e",
    "#a16207",
    "#6d28d9",
    "#be185d",
    "#0891b2",
    "#4d7c0f",
    "#92400e",
    "#334155",
    "#7e22ce",
    "#15803d",
    "#db2777",
    "#4338ca",
    "#65a30d",
    "#78716c",
)
MARKERS = {"base": "X", "ours": "s", "peer": "o", "trained peer": "^", "ablation": "D"}
"""By a method's kind."""

Value = Callable[[Outcome], float]
FIGURES: tuple[tuple[str, str, Value], ...] = (
    ("1 − accuracy on forgotten, %", "#1d4ed8", lambda one: 1 - one.forgotten),
    ("kept share, %", "#0f766e", lambda one: one.kept_share),
    ("harmonic mean, %", "#c2410c", lambda one: one.harmonic_mean),
)
"""Title, colour and value of the three figures, all better when higher."""


def trade_off(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Forgotten against kept share, one point a method with its deviations, a panel a family."""
    answered = _accuracy(suite, rows)
    families = suite.families
    figure, panels = pyplot.subplots(
        1, len(families), figsize=(4.6 * len(families) + 2, 4.6), squeeze=False, sharey=True
    )
    for panel, (family, groups) in zip(panels[0], families.items(), strict=True):
        for entry in suite.entries:
            found = outcomes_of(suite, answered, entry.label, groups)
            if not found:
                continue
            gone = over_seeds(found, lambda one: 1 - one.forgotten)
            kept = over_seeds(found, lambda one: one.kept_share)
            panel.errorbar(
                100 * gone.mean,
                100 * kept.mean,
                xerr=100 * gone.std,
                yerr=100 * kept.std,
                fmt=MARKERS[_kind(entry)],
                color=_colour(suite, entry),
                markersize=8,
                capsize=3,
                zorder=_order(suite, entry),
                label=registry.entry_title(entry),
            )
        panel.set_title(family)
        panel.set_xlabel(FIGURES[0][0])
        panel.set_xlim(-4, 104)
        panel.set_ylim(-4, 120)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel(FIGURES[1][0])
    _legend(figure, panels[0][0])
    _save(figure, path)


def concepts(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Curves over the number of concepts, the mean over groups of as many."""
    answered = _accuracy(suite, rows)
    by_count = _groups_by_count(suite)
    figure, panels = pyplot.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    for panel, (title, _, value) in zip(panels, FIGURES, strict=True):
        for entry in suite.entries:
            points = []
            for count, groups in by_count.items():
                found = outcomes_of(suite, answered, entry.label, groups)
                if found and entry.label != BASE:
                    points.append((count, over_seeds(found, value)))
            if points:
                _curve(panel, suite, entry, points)
        panel.set_title(title)
        panel.set_xlabel("concepts forgotten")
        panel.set_xticks(list(by_count))
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    _legend(figure, panels[0])
    _save(figure, path)


def bars(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Every method's forgotten, kept share and harmonic mean over all groups, as bars."""
    answered = _accuracy(suite, rows)
    shown = []
    for entry in suite.entries:
        found = outcomes_of(suite, answered, entry.label, suite.groups)
        if entry.label != BASE and found:
            shown.append((entry, found))
    figure, panels = pyplot.subplots(
        1, 3, figsize=(12, 0.36 * len(shown) + 1.6), sharey=True, squeeze=False
    )
    for panel, (title, _, value) in zip(panels[0], FIGURES, strict=True):
        spreads = [over_seeds(found, value) for _, found in shown]
        panel.barh(
            range(len(shown)),
            [100 * spread.mean for spread in spreads],
            xerr=[100 * spread.std for spread in spreads],
            color=[_bar_colour(suite, entry) for entry, _ in shown],
            capsize=2,
        )
        panel.set_title(title)
        panel.set_xlim(0, 108)
        panel.grid(axis="x", alpha=0.3)
        panel.set_yticks(range(len(shown)), [registry.entry_title(entry) for entry, _ in shown])
    panels[0][0].invert_yaxis()
    _save(figure, path)


def sweeps(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """A panel a swept setting: forgotten, kept share and harmonic mean over its values."""
    answered = _accuracy(suite, rows)
    if not suite.sweeps:
        raise ValueError(f"{suite.name}: plots: sweeps needs [[sweeps]]; there are none.")
    columns = min(3, len(suite.sweeps))
    lines = -(-len(suite.sweeps) // columns)
    figure, panels = pyplot.subplots(
        lines, columns, figsize=(4.4 * columns, 3.4 * lines), squeeze=False, sharey=True
    )
    for panel, sweep in zip(panels.flat, suite.sweeps, strict=False):
        points = []
        for value, label in sweep.points:
            found = outcomes_of(suite, answered, label, suite.groups)
            if found:
                points.append((str(value), found))
        for title, colour, value in FIGURES:
            spreads = [over_seeds(found, value) for _, found in points]
            panel.errorbar(
                range(len(points)),
                [100 * spread.mean for spread in spreads],
                yerr=[100 * spread.std for spread in spreads],
                marker="o",
                color=colour,
                capsize=3,
                label=title,
            )
        panel.set_xticks(range(len(points)), [words for words, _ in points])
        panel.set_title(f"{sweep.name}: {sweep.setting.replace('_', ' ')}")
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(suite.sweeps) :]:
        panel.set_visible(False)
    _legend(figure, panels[0][0])
    _save(figure, path)


def kept_distance(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """How far pictures of what is kept move, over the number of concepts forgotten."""
    answered = _distances(suite, rows)
    by_count = _groups_by_count(suite)
    figure, panel = pyplot.subplots(figsize=(5.6, 4.2))
    for entry in suite.entries:
        points = [
            (count, spread)
            for count, groups in by_count.items()
            if (spread := _by_seed(kept_distances(suite, answered, entry.label, groups))).by_seed
        ]
        if points and entry.label != BASE:
            _curve(panel, suite, entry, points)
    panel.set_title("distance of kept pictures to the base model's, %")
    panel.set_xlabel("concepts forgotten")
    panel.set_xticks(list(by_count))
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
    _legend(figure, panel)
    _save(figure, path)


def overlap(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """How much of the reference's mask each method shares, and how far kept pictures move."""
    answered = _distances(suite, rows)
    shared = {row.origin.method: row.value for row in rows if row.judge == OVERLAP}
    shown = [entry for entry in suite.entries if entry.label in shared]
    moved = [
        _by_seed(kept_distances(suite, answered, entry.label, suite.groups)) for entry in shown
    ]
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(10, 0.36 * len(shown) + 1.6), sharey=True
    )
    colours = [_bar_colour(suite, entry) for entry in shown]
    places = range(len(shown))
    left.barh(places, [100 * shared[entry.label] for entry in shown], color=colours)
    left.set_title("mask's overlap with the default's, %")
    left.set_xlim(0, 104)
    right.barh(
        places,
        [100 * spread.mean for spread in moved],
        xerr=[100 * spread.std for spread in moved],
        color=colours,
        capsize=2,
    )
    right.set_title("distance of kept pictures, %")
    for panel in (left, right):
        panel.grid(axis="x", alpha=0.3)
        panel.set_yticks(places, [registry.entry_title(entry) for entry in shown])
    left.invert_yaxis()
    _save(figure, path)


PLOTS: dict[str, Callable[[Suite, Sequence[Row], Path], None]] = {
    "trade_off": trade_off,
    "concepts": concepts,
    "bars": bars,
    "sweeps": sweeps,
    "kept_distance": kept_distance,
    "overlap": overlap,
}
"""By the name that a suite's file uses."""


def _accuracy(suite: Suite, rows: Sequence[Row]) -> Answered:
    return Answered(rows, registry.judge_of_concepts(suite))


def _groups_by_count(suite: Suite) -> dict[int, list[Group]]:
    """Groups of as many concepts, the fewest first."""
    by_count: dict[int, list[Group]] = {}
    for group in sorted(suite.groups, key=lambda group: len(group.concepts)):
        by_count.setdefault(len(group.concepts), []).append(group)
    return by_count


def _curve(panel: Any, suite: Suite, entry: Entry, points: Sequence[tuple[int, Spread]]) -> None:
    """A method's shares over numbers of concepts, in percent."""
    panel.errorbar(
        [count for count, _ in points],
        [100 * spread.mean for _, spread in points],
        yerr=[100 * spread.std for _, spread in points],
        marker=MARKERS[_kind(entry)],
        color=_colour(suite, entry),
        linestyle="-" if entry.label == suite.reference else "--",
        capsize=3,
        zorder=_order(suite, entry),
        label=registry.entry_title(entry),
    )


def _distances(suite: Suite, rows: Sequence[Row]) -> Answered:
    judge = registry.judge_of_changes(suite)
    if judge is None:
        raise ValueError(f"{suite.name}: judges: none compares pictures; add pixel_distance.")
    return Answered(rows, judge)


def _by_seed(values: ByPair) -> Spread:
    """The mean over groups and conditions at each seed."""
    return mean_by_seed((seed, value) for (*_, seed), value in values.items())


def _kind(entry: Entry) -> str:
    return registry.method(entry.use).kind


def _colour(suite: Suite, entry: Entry) -> str:
    """The method's own."""
    if entry.label in (suite.reference, BASE):
        return REFERENCE_COLOUR if entry.label == suite.reference else BASE_COLOUR
    return COLOURS[suite.entries.index(entry) % len(COLOURS)]


def _order(suite: Suite, entry: Entry) -> int:
    """The reference lies above all others."""
    return 3 if entry.label == suite.reference else 2


def _bar_colour(suite: Suite, entry: Entry) -> str:
    """The reference's, or that of the method's kind."""
    if entry.label == suite.reference:
        return REFERENCE_COLOUR
    return COLOURS[list(MARKERS).index(_kind(entry))]


def _legend(figure: Any, panel: Any) -> None:
    """At the right of all panels, from what ``panel`` shows."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)
