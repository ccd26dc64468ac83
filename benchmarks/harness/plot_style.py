"""How plots look: a colour and a marker a method, the legend, the file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from . import registry
from .outcomes import Spread
from .suite import BASE, Entry, Suite

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
PEER_COLOURS = ("#1d4ed8", "#0f766e", "#a16207", "#6d28d9", "#be185d", "#0891b2")
COLOURS = ("#4d7c0f", "#334155", "#92400e", "#db2777", "#65a30d", "#78716c")
MARKERS = {"base": "X", "ours": "s", "peer": "o", "trained peer": "^", "ablation": "D"}
"""By a method's kind."""


def colour(suite: Suite, entry: Entry) -> str:
    """The method's own, the same in every suite; other methods than peers may share one."""
    reference = suite.entry(suite.reference).use
    if entry.use in (reference, BASE):
        return REFERENCE_COLOUR if entry.use == reference else BASE_COLOUR
    colours = PEER_COLOURS if _is_peer(entry.use) else COLOURS
    alike = [name for name in registry.methods() if _is_peer(name) == _is_peer(entry.use)]
    return colours[alike.index(entry.use) % len(colours)]


def fill(suite: Suite, entry: Entry) -> str:
    """Of the marker: half or not filled for a method's second and further settings."""
    alike = [other.label for other in suite.entries if other.use == entry.use]
    return ("full", "left", "none")[min(alike.index(entry.label), 2)]


def bar_colour(suite: Suite, entry: Entry) -> str:
    """The reference's, or that of the method's kind."""
    if entry.label == suite.reference:
        return REFERENCE_COLOUR
    return KIND_COLOURS[registry.method(entry.use).kind]


def marker(entry: Entry) -> str:
    return MARKERS[registry.method(entry.use).kind]


def order(suite: Suite, entry: Entry) -> int:
    """The reference lies above all others."""
    return 3 if entry.label == suite.reference else 2


def curve(panel: Any, suite: Suite, entry: Entry, points: Sequence[tuple[int, Spread]]) -> None:
    """A method's shares over numbers of concepts, in percent."""
    panel.errorbar(
        [count for count, _ in points],
        [100 * spread.mean for _, spread in points],
        yerr=[100 * spread.std for _, spread in points],
        marker=marker(entry),
        fillstyle=fill(suite, entry),
        color=colour(suite, entry),
        linestyle="-" if entry.label == suite.reference else "--",
        capsize=3,
        zorder=order(suite, entry),
        label=registry.entry_title(entry),
    )


def legend(figure: Any, panel: Any, *more: Any) -> None:
    """At the right of all panels, from what ``panel`` and ``more`` show."""
    handles, labels = [], []
    for shown in (panel, *more):
        own, names = shown.get_legend_handles_labels()
        handles += own
        labels += names
    figure.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)


def _is_peer(name: str) -> bool:
    return registry.method(name).kind.endswith("peer")
