"""Plots of a suite's rows, PNG files beside the report."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks.harness import registry
from benchmarks.harness.rows import OVERLAP
from benchmarks.harness.suite import BASE, Entry, Group, Suite

from .frames import Frame, Measured, Spread, of, over_seeds

matplotlib.use("Agg")

from matplotlib import pyplot

DPI = 120
REFERENCE_COLOUR, BASE_COLOUR, DISTANCE_COLOUR = "#c2410c", "#777777", "#555555"
KIND_COLOURS = {
    "ours": "#1d4ed8",
    "peer": "#0f766e",
    "trained peer": "#a16207",
    "ablation": "#6d28d9",
}
PEER_COLOURS = (
    *("#1d4ed8", "#0f766e", "#a16207", "#6d28d9", "#be185d", "#0891b2"),
    *("#65a30d", "#1e293b", "#f59e0b", "#8b5cf6", "#f43f5e", "#84cc16", "#475569"),
)
COLOURS = ("#4d7c0f", "#334155", "#92400e", "#db2777", "#65a30d", "#78716c")
MARKERS = {"base": "X", "ours": "s", "peer": "o", "trained peer": "^", "ablation": "D"}
"""A method's kind → its marker."""

SHARES = (
    ("1 − accuracy on forgotten, %", "#1d4ed8", "gone"),
    ("kept share, %", "#0f766e", "kept_share"),
    ("harmonic mean, %", "#c2410c", "harmonic_mean"),
)
"""Title, colour and column of the three shares, all better when higher."""

DISTANCE = "distance of kept pictures, %"


def trade_off(measured: Measured, path: Path) -> None:
    """Forgotten against kept share, one point a method with its deviations, a panel a family; where
    several lie on each other their number."""
    suite, outcomes = measured.suite, shares(measured)
    families = suite.families
    figure, panels = pyplot.subplots(
        1, len(families), figsize=(4.6 * len(families) + 2, 4.6), squeeze=False, sharey=True
    )
    for panel, (family, groups) in zip(panels[0], families.items(), strict=True):
        places: Counter[tuple[int, int]] = Counter()
        for entry in suite.entries:
            found = of(outcomes, entry.label, groups)
            gone, kept = over_seeds(found, "gone"), over_seeds(found, "kept_share")
            if kept.by_seed:
                places[_near(gone.mean), _near(kept.mean)] += 1
                x, y = _percent([gone]), _percent([kept])
                panel.errorbar(x[0], y[0], y[1], x[1], ls="", ms=8, **style(suite, entry))
        for place, count in places.items():
            if count > 1:
                panel.annotate(
                    f"{count} points", place, (0, 9), "data", "offset points", ha="center"
                )
        panel.set_title(family)
        panel.set_xlabel(SHARES[0][0])
        panel.set_xlim(-8, 110)
        panel.set_ylim(-4, 120)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel(SHARES[1][0])
    save(figure, path, panels[0][0])


def concepts(measured: Measured, path: Path) -> None:
    """Curves over the number of concepts, the mean over groups of as many."""
    figure, panels = pyplot.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    for panel, (title, _, column) in zip(panels, SHARES, strict=True):
        curves(panel, measured, shares(measured), column, title)
        panel.set_ylim(-4, 108)
    save(figure, path, panels[0])


def kept_distance(measured: Measured, path: Path) -> None:
    """How far pictures of what is kept move, over the number of concepts forgotten."""
    figure, panel = pyplot.subplots(figsize=(5.6, 4.2))
    curves(panel, measured, measured.moved(), "moved", DISTANCE)
    panel.set_ylim(bottom=0)
    save(figure, path, panel)


def bars(measured: Measured, path: Path) -> None:
    """Every method's three shares over all groups, and how far kept pictures move where a judge
    compares."""
    suite, outcomes = measured.suite, shares(measured)
    known = [(label, of(outcomes, label, suite.groups)) for label in measured.labels]
    shown = {label: found for label, found in known if len(found) and label != BASE}
    columns = [
        (title, [over_seeds(found, column) for found in shown.values()])
        for title, _, column in SHARES
    ]
    if len(measured.moved()):
        columns.append((DISTANCE, [_moved(measured, label) for label in shown]))
    _bar_panels(suite, [suite.entry(label) for label in shown], columns, path)


def overlap(measured: Measured, path: Path) -> None:
    """How much of the reference's mask each method shares, and how far kept pictures move."""
    suite = measured.suite
    shared: Any = measured.runs.dropna(subset=[OVERLAP]).groupby("method")[OVERLAP].mean()
    entries = [entry for entry in suite.entries if entry.label in shared]
    columns = [  # over groups, not seeds
        ("mask's overlap with the default's, %", [Spread((shared[e.label],)) for e in entries]),
        (DISTANCE, [_moved(measured, entry.label) for entry in entries]),
    ]
    _bar_panels(suite, entries, columns, path)


def sweeps(measured: Measured, path: Path) -> None:
    """A panel a swept setting: the three shares over its values, and how far kept pictures move
    where a judge compares."""
    suite, outcomes, moved = measured.suite, shares(measured), measured.moved()
    if not suite.sweeps:
        raise ValueError(f"{suite.name}: plots: sweeps needs [[sweeps]]; there are none.")
    columns = min(3, len(suite.sweeps))
    lines = -(-len(suite.sweeps) // columns)
    figure, panels = pyplot.subplots(
        lines, columns, figsize=(4.8 * columns, 3.4 * lines), squeeze=False, sharey=True
    )
    twins: list[Any] = []
    for panel, sweep in zip(panels.flat, suite.sweeps, strict=False):
        points = {str(value): of(outcomes, label, suite.groups) for value, label in sweep.points}
        points = {value: found for value, found in points.items() if len(found)}
        for title, ink, column in SHARES:
            _line(panel, [over_seeds(one, column) for one in points.values()], title, ink, "-")
        if len(moved):
            twin = panel.twinx()
            labels = [label for value, label in sweep.points if str(value) in points]
            far = [_moved(measured, label) for label in labels]
            _line(twin, far, f"{DISTANCE} (right)", DISTANCE_COLOUR, ":")
            twin.set_ylim(bottom=0)
            twins.append(twin)
        panel.set_xticks(range(len(points)), list(points))
        name = registry.method(sweep.use).title if sweep.label == sweep.use else sweep.label
        panel.set_title(f"{name}: {sweep.setting.replace('_', ' ')}")
        panel.set_ylim(-4, 108)
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(suite.sweeps) :]:
        panel.set_visible(False)
    save(figure, path, panels[0][0], *twins[:1])


PLOTS: dict[str, Callable[[Measured, Path], None]] = {
    "trade_off": trade_off,
    "concepts": concepts,
    "bars": bars,
    "sweeps": sweeps,
    "kept_distance": kept_distance,
    "overlap": overlap,
}
"""A suite's name for a plot → what draws it."""


def shares(measured: Measured) -> Frame:
    """Outcomes by the first judge of the concepts, with the share that is gone."""
    return measured.accuracy.assign(gone=1 - measured.accuracy["forgotten"])


def curves(panel: Any, measured: Measured, frame: Frame, column: str, title: str) -> None:
    """Every method's shares over numbers of concepts, in percent."""
    suite = measured.suite
    by_count: dict[int, list[Group]] = {}
    for group in sorted(suite.groups, key=lambda group: len(group.concepts)):
        by_count.setdefault(len(group.concepts), []).append(group)
    for entry in suite.entries:
        found = {count: of(frame, entry.label, groups) for count, groups in by_count.items()}
        points = {count: over_seeds(one, column) for count, one in found.items() if len(one)}
        if points and entry.label != BASE:
            line = "-" if entry.label == suite.reference else "--"
            means, deviations = _percent(list(points.values()))
            panel.errorbar(list(points), means, deviations, ls=line, **style(suite, entry))
    panel.set_xlabel("concepts forgotten")
    panel.set_xticks(list(by_count))
    panel.set_title(title)
    panel.grid(alpha=0.3)


def style(suite: Suite, entry: Entry) -> dict[str, Any]:
    """How a method looks in every plot: its kind's marker, which is half or not filled for its
    second and further settings; the reference above all others."""
    alike = [other.label for other in suite.entries if other.use == entry.use]
    return {
        "marker": MARKERS[registry.method(entry.use).kind],
        "fillstyle": ("full", "left", "none")[min(alike.index(entry.label), 2)],
        "color": colour(suite, entry),
        "capsize": 3,
        "zorder": 3 if entry.label == suite.reference else 2,
        "label": registry.entry_title(entry),
    }


def colour(suite: Suite, entry: Entry) -> str:
    """The method's own, the same in every suite; other methods than peers may share one."""
    reference = suite.entry(suite.reference).use
    if entry.use in (reference, BASE):
        return REFERENCE_COLOUR if entry.use == reference else BASE_COLOUR
    colours = PEER_COLOURS if _is_peer(entry.use) else COLOURS
    alike = [name for name in registry.methods() if _is_peer(name) == _is_peer(entry.use)]
    return colours[alike.index(entry.use) % len(colours)]


def save(figure: Any, path: Path, *explained: Any) -> None:
    """Write a figure, with a legend at the right of what the panels ``explained`` show."""
    if explained:
        shown = [panel.get_legend_handles_labels() for panel in explained]
        handles = [handle for handles, _ in shown for handle in handles]
        labels = [label for _, labels in shown for label in labels]
        figure.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)


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
    inks = [
        REFERENCE_COLOUR
        if entry.label == suite.reference
        else KIND_COLOURS[registry.method(entry.use).kind]
        for entry in entries
    ]
    for panel, (title, spreads) in zip(panels[0], columns, strict=True):
        means, deviations = _percent(spreads)
        panel.barh(places, means, xerr=deviations, color=inks, capsize=2)
        panel.set_title(title)
        panel.set_xlim(0, None if title == DISTANCE else 108)
        panel.grid(axis="x", alpha=0.3)
        panel.set_yticks(places, [registry.entry_title(entry) for entry in entries])
    panels[0][0].margins(y=0.02)
    panels[0][0].invert_yaxis()
    save(figure, path)


def _line(panel: Any, spreads: Sequence[Spread], title: str, ink: str, line: str) -> None:
    places, (means, deviations) = range(len(spreads)), _percent(spreads)
    panel.errorbar(
        places, means, deviations, ls=line, marker="o", color=ink, capsize=3, label=title
    )


def _percent(spreads: Sequence[Spread]) -> tuple[list[float], list[float]]:
    """Means and deviations."""
    return [100 * spread.mean for spread in spreads], [100 * spread.std for spread in spreads]


def _moved(measured: Measured, label: str) -> Spread:
    """How far kept pictures are from the base model's, over all groups."""
    return over_seeds(of(measured.moved(), label, measured.suite.groups), "moved")


def _near(share: float) -> int:
    """In steps of as many percent as a marker is wide."""
    return 4 * round(25 * share)


def _is_peer(name: str) -> bool:
    return registry.method(name).is_peer
