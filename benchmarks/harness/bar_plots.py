"""Plots with a bar a method, and with a panel a swept setting."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from . import registry
from .ledger import Row
from .measures import DISTANCE, FIGURES, accuracy, distances, moved, required_distances
from .outcomes import Answered, Outcome, Spread, outcomes_of, over_seeds
from .plot_style import DISTANCE_COLOUR, bar_colour, legend, pyplot, save
from .runner import OVERLAP
from .suite import BASE, Entry, Suite, Sweep


def bars(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """Every method's three shares over all groups, and how far kept pictures move where a judge
    compares."""
    answered, compared = accuracy(suite, rows), distances(suite, rows)
    shown: list[tuple[Entry, list[Outcome]]] = []
    for entry in suite.entries:
        found = outcomes_of(suite, answered, entry.label, suite.groups)
        if entry.label != BASE and found:
            shown.append((entry, found))
    entries = [entry for entry, _ in shown]
    columns = [
        (title, [over_seeds(found, value) for _, found in shown]) for title, _, value in FIGURES
    ]
    if compared:
        far = [moved(suite, compared, entry.label, suite.groups) for entry in entries]
        columns.append((DISTANCE, far))
    _bar_panels(suite, entries, columns, path)


def overlap(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """How much of the reference's mask each method shares, and how far kept pictures move."""
    answered = required_distances(suite, rows)
    shared = {
        entry.label: [row.value for row in rows if _is_overlap(row, entry)]
        for entry in suite.entries
    }
    entries = [entry for entry in suite.entries if shared[entry.label]]
    means = [Spread((fmean(shared[entry.label]),)) for entry in entries]  # over groups, not seeds
    columns = [
        ("mask's overlap with the default's, %", means),
        (DISTANCE, [moved(suite, answered, entry.label, suite.groups) for entry in entries]),
    ]
    _bar_panels(suite, entries, columns, path)


def _is_overlap(row: Row, entry: Entry) -> bool:
    return row.judge == OVERLAP and row.origin.method == entry.label


def _bar_panels(
    suite: Suite,
    entries: Sequence[Entry],
    columns: Sequence[tuple[str, Sequence[Spread]]],
    path: Path,
) -> None:
    """A panel a column of title and values, a bar an entry; shares go to 100 %."""
    figure, panels = pyplot.subplots(
        1,
        len(columns),
        figsize=(4.4 * len(columns), 0.3 * len(entries) + 1.2),
        sharey=True,
        squeeze=False,
    )
    places = range(len(entries))
    for panel, (title, spreads) in zip(panels[0], columns, strict=True):
        panel.barh(
            places,
            [100 * spread.mean for spread in spreads],
            xerr=[100 * spread.std for spread in spreads],
            color=[bar_colour(suite, entry) for entry in entries],
            capsize=2,
        )
        panel.set_title(title)
        panel.set_xlim(0, None if title == DISTANCE else 108)
        panel.grid(axis="x", alpha=0.3)
        panel.set_yticks(places, [registry.entry_title(entry) for entry in entries])
    panels[0][0].margins(y=0.02)
    panels[0][0].invert_yaxis()
    save(figure, path)


def sweeps(suite: Suite, rows: Sequence[Row], path: Path) -> None:
    """A panel a swept setting: the three shares over its values, and how far kept pictures move
    where a judge compares."""
    answered, compared = accuracy(suite, rows), distances(suite, rows)
    if not suite.sweeps:
        raise ValueError(f"{suite.name}: plots: sweeps needs [[sweeps]]; there are none.")
    columns = min(3, len(suite.sweeps))
    lines = -(-len(suite.sweeps) // columns)
    figure, panels = pyplot.subplots(
        lines, columns, figsize=(4.8 * columns, 3.4 * lines), squeeze=False, sharey=True
    )
    twins: list[Any] = []
    for panel, sweep in zip(panels.flat, suite.sweeps, strict=False):
        labels, found = _swept(suite, answered, sweep)
        for title, colour, value in FIGURES:
            _line(panel, [over_seeds(one, value) for one in found], title, colour, "-")
        if compared:
            twin = panel.twinx()
            far = [moved(suite, compared, label, suite.groups) for label in labels.values()]
            _line(twin, far, f"{DISTANCE} (right)", DISTANCE_COLOUR, ":")
            twin.set_ylim(bottom=0)
            twins.append(twin)
        panel.set_xticks(range(len(labels)), list(labels))
        panel.set_title(f"{_title(sweep)}: {sweep.setting.replace('_', ' ')}")
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(suite.sweeps) :]:
        panel.set_visible(False)
    legend(figure, panels[0][0], *twins[:1])
    save(figure, path)


def _swept(
    suite: Suite, answered: Answered, sweep: Sweep
) -> tuple[dict[str, str], list[list[Outcome]]]:
    """Labels by value, of the values that were measured, and what was found for each."""
    labels, found = {}, []
    for value, label in sweep.points:
        here = outcomes_of(suite, answered, label, suite.groups)
        if here:
            labels[str(value)] = label
            found.append(here)
    return labels, found


def _line(panel: Any, spreads: Sequence[Spread], title: str, colour: str, style: str) -> None:
    panel.errorbar(
        range(len(spreads)),
        [100 * spread.mean for spread in spreads],
        yerr=[100 * spread.std for spread in spreads],
        marker="o",
        color=colour,
        linestyle=style,
        capsize=3,
        label=title,
    )


def _title(sweep: Sweep) -> str:
    return registry.method(sweep.use).title if sweep.name == sweep.use else sweep.name
