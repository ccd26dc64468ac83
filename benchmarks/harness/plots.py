"""Plots of a suite's rows: PNG files beside the report."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from . import registry
from .ledger import Row
from .outcomes import Answered, Outcome, outcomes, over_seeds
from .suite import BASE, Entry, Group, Suite

matplotlib.use("Agg")

from matplotlib import pyplot

DPI = 120
COLOURS = {
    "base": "#777777",
    "ours": "#c2410c",
    "peer": "#1d4ed8",
    "trained peer": "#6d28d9",
    "ablation": "#0f766e",
}
MARKERS = "osD^vP*X<>hp"


def trade_off(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Forgotten against kept share, one point a method with its deviations, a panel a family."""
    answered = _accuracy(suite, rows)
    families: dict[str, list[Group]] = {}
    for group in suite.groups:
        families.setdefault(group.family, []).append(group)
    figure, panels = pyplot.subplots(
        1, len(families), figsize=(4.6 * len(families) + 2, 4.6), squeeze=False, sharey=True
    )
    for panel, (family, groups) in zip(panels[0], families.items(), strict=True):
        for number, entry in enumerate(suite.entries):
            found = _measured(suite, answered, entry, groups)
            if not found:
                continue
            gone = over_seeds(found, lambda one: 1 - one.forgotten)
            kept = over_seeds(found, lambda one: one.kept_share)
            panel.errorbar(
                100 * gone.mean,
                100 * kept.mean,
                xerr=100 * gone.std,
                yerr=100 * kept.std,
                fmt=MARKERS[number % len(MARKERS)],
                color=_colour(entry),
                markersize=8,
                capsize=3,
                label=_title(entry),
            )
        panel.set_title(family)
        panel.set_xlabel("forgotten, %")
        panel.set_xlim(-4, 104)
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("kept share, %")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    _save(figure, path)


def concepts(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Curves over the number of concepts: forgotten, kept share and their harmonic mean."""
    answered = _accuracy(suite, rows)
    values: tuple[tuple[str, Callable[[Outcome], float]], ...] = (
        ("forgotten, %", lambda one: 1 - one.forgotten),
        ("kept share, %", lambda one: one.kept_share),
        ("harmonic mean, %", lambda one: one.harmonic_mean),
    )
    figure, panels = pyplot.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    for panel, (title, value) in zip(panels, values, strict=True):
        for number, entry in enumerate(suite.entries):
            if entry.label == BASE:
                continue
            points = []
            for group in suite.groups:
                found = outcomes(suite, answered, entry.label, group)
                if found:
                    points.append((len(group.concepts), over_seeds(found, value)))
            if points:
                panel.errorbar(
                    [count for count, _ in points],
                    [100 * spread.mean for _, spread in points],
                    yerr=[100 * spread.std for _, spread in points],
                    marker=MARKERS[number % len(MARKERS)],
                    color=_colour(entry),
                    linestyle="-" if _kind(entry) == "ours" else "--",
                    capsize=3,
                    label=_title(entry),
                )
        panel.set_title(title)
        panel.set_xlabel("concepts forgotten")
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    panels[0].legend(frameon=False)
    _save(figure, path)


def bars(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Every method's forgotten, kept share and harmonic mean over all groups, as bars."""
    answered = _accuracy(suite, rows)
    shown = []
    for entry in suite.entries:
        found = _measured(suite, answered, entry, suite.groups)
        if entry.label != BASE and found:
            shown.append((entry, found))
    figure, panels = pyplot.subplots(
        1, 3, figsize=(12, 0.36 * len(shown) + 1.6), sharey=True, squeeze=False
    )
    values: tuple[tuple[str, Callable[[Outcome], float]], ...] = (
        ("forgotten, %", lambda one: 1 - one.forgotten),
        ("kept share, %", lambda one: one.kept_share),
        ("harmonic mean, %", lambda one: one.harmonic_mean),
    )
    for panel, (title, value) in zip(panels[0], values, strict=True):
        spreads = [over_seeds(found, value) for _, found in shown]
        panel.barh(
            range(len(shown)),
            [100 * spread.mean for spread in spreads],
            xerr=[100 * spread.std for spread in spreads],
            color=[_colour(entry) for entry, _ in shown],
            capsize=2,
        )
        panel.set_title(title)
        panel.set_xlim(0, 108)
        panel.grid(axis="x", alpha=0.3)
        panel.set_yticks(range(len(shown)), [_title(entry) for entry, _ in shown])
    panels[0][0].invert_yaxis()
    _save(figure, path)


def sweeps(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """A panel a swept setting: forgotten, kept share and harmonic mean over its values."""
    answered = _accuracy(suite, rows)
    if not suite.sweeps:
        raise ValueError(f"{suite.name}: plots: sweeps needs [[sweeps]]; there are none.")
    entries = {entry.label: entry for entry in suite.entries}
    columns = min(3, len(suite.sweeps))
    lines = -(-len(suite.sweeps) // columns)
    figure, panels = pyplot.subplots(
        lines, columns, figsize=(4.4 * columns, 3.4 * lines), squeeze=False, sharey=True
    )
    values: tuple[tuple[str, str, Callable[[Outcome], float]], ...] = (
        ("forgotten", "#1d4ed8", lambda one: 1 - one.forgotten),
        ("kept share", "#0f766e", lambda one: one.kept_share),
        ("harmonic mean", "#c2410c", lambda one: one.harmonic_mean),
    )
    for panel, sweep in zip(panels.flat, suite.sweeps, strict=False):
        points = []
        for value, label in sweep.points:
            found = _measured(suite, answered, entries[label], suite.groups)
            if found:
                points.append((str(value), found))
        for title, colour, value in values:
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
        panel.set_title(f"{sweep.use}: {sweep.setting.replace('_', ' ')}")
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(suite.sweeps) :]:
        panel.set_visible(False)
    panels[0][0].set_ylabel("%")
    panels[0][0].legend(frameon=False)
    _save(figure, path)


PLOTS: dict[str, Callable[[Suite, Sequence[Row], Path], None]] = {
    "trade_off": trade_off,
    "concepts": concepts,
    "bars": bars,
    "sweeps": sweeps,
}
"""By the name that a suite's file uses."""


def _accuracy(suite: Suite, rows: Sequence[Row]) -> Answered:
    """The rows of the suite's first judge of its concepts."""
    for name in suite.judges:
        if registry.judge(name).aspect == suite.concept:
            return Answered(rows, name)
    raise ValueError(f"{suite.name}: judges: none judges a {suite.concept}, so nothing to plot.")


def _measured(
    suite: Suite, answered: Answered, entry: Entry, groups: Sequence[Group]
) -> list[Outcome]:
    return [one for group in groups for one in outcomes(suite, answered, entry.label, group)]


def _kind(entry: Entry) -> str:
    return registry.method(entry.use).kind


def _colour(entry: Entry) -> str:
    return COLOURS[_kind(entry)]


def _title(entry: Entry) -> str:
    return registry.method(entry.use).title if entry.label == entry.use else entry.label


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)
