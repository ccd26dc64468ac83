"""Plots of a suite's rows, PNG files beside the report: points and curves, and the list of all."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from . import registry
from .bar_plots import bars, overlap, sweeps
from .ledger import Row
from .measures import DISTANCE, FIGURES, accuracy, moved, required_distances
from .outcomes import outcomes_of, over_seeds
from .plot_style import colour, curve, fill, legend, marker, order, pyplot, save
from .suite import BASE, Group, Suite


def trade_off(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Forgotten against kept share, one point a method with its deviations, a panel a family; where
    several lie on each other their number."""
    answered = accuracy(suite, rows)
    families = suite.families
    figure, panels = pyplot.subplots(
        1, len(families), figsize=(4.6 * len(families) + 2, 4.6), squeeze=False, sharey=True
    )
    for panel, (family, groups) in zip(panels[0], families.items(), strict=True):
        places: Counter[tuple[int, int]] = Counter()
        for entry in suite.entries:
            found = outcomes_of(suite, answered, entry.label, groups)
            gone = over_seeds(found, lambda one: 1 - one.forgotten)
            kept = over_seeds(found, lambda one: one.kept_share)
            if not kept.by_seed:
                continue
            places[_near(gone.mean), _near(kept.mean)] += 1
            panel.errorbar(
                100 * gone.mean,
                100 * kept.mean,
                xerr=100 * gone.std,
                yerr=100 * kept.std,
                fmt=marker(entry),
                fillstyle=fill(suite, entry),
                color=colour(suite, entry),
                markersize=8,
                capsize=3,
                zorder=order(suite, entry),
                label=registry.entry_title(entry),
            )
        for place, count in places.items():
            if count > 1:
                panel.annotate(
                    f"{count} points", place, (0, 9), "data", "offset points", ha="center"
                )
        panel.set_title(family)
        panel.set_xlabel(FIGURES[0][0])
        panel.set_xlim(-8, 110)
        panel.set_ylim(-4, 120)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel(FIGURES[1][0])
    legend(figure, panels[0][0])
    save(figure, path)


def concepts(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Curves over the number of concepts, the mean over groups of as many."""
    answered = accuracy(suite, rows)
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
                curve(panel, suite, entry, points)
        panel.set_title(title)
        panel.set_xlabel("concepts forgotten")
        panel.set_xticks(list(by_count))
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    legend(figure, panels[0])
    save(figure, path)


def kept_distance(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """How far pictures of what is kept move, over the number of concepts forgotten."""
    answered = required_distances(suite, rows)
    by_count = _groups_by_count(suite)
    figure, panel = pyplot.subplots(figsize=(5.6, 4.2))
    for entry in suite.entries:
        points = [
            (count, spread)
            for count, groups in by_count.items()
            if (spread := moved(suite, answered, entry.label, groups)).by_seed
        ]
        if points and entry.label != BASE:
            curve(panel, suite, entry, points)
    panel.set_title(DISTANCE)
    panel.set_xlabel("concepts forgotten")
    panel.set_xticks(list(by_count))
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
    legend(figure, panel)
    save(figure, path)


PLOTS: dict[str, Callable[[Suite, Sequence[Row], Path], None]] = {
    "trade_off": trade_off,
    "concepts": concepts,
    "bars": bars,
    "sweeps": sweeps,
    "kept_distance": kept_distance,
    "overlap": overlap,
}
"""By the name that a suite's file uses."""


def _near(share: float) -> int:
    """In steps of so many percent as a marker is wide."""
    return 4 * round(25 * share)


def _groups_by_count(suite: Suite) -> dict[int, list[Group]]:
    """Groups of as many concepts, the fewest first."""
    by_count: dict[int, list[Group]] = {}
    for group in sorted(suite.groups, key=lambda group: len(group.concepts)):
        by_count.setdefault(len(group.concepts), []).append(group)
    return by_count
