"""Sweeps that are followed to equal shares of the kept names: tables and a plot."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import floor, isnan
from pathlib import Path

import matplotlib

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE

from .equal_kept import RESAMPLED, against
from .frames import Measured
from .lines import TARGETS, Line, lines, point, ranked
from .tables import percent, table

matplotlib.use("Agg")

from matplotlib import pyplot

DPI = 120
STYLES = "solid", "dashed", "dashdot", "dotted"
"""Of a method's lines."""


def curve_parts(measured: Measured, plot: Path) -> Iterator[str]:
    """Of every judge of the concepts the lines and what follows from them; the first one's are
    drawn. A sentence where the model cannot be measured."""
    if isnan(point(measured, BASE, "plain").kept):
        yield "The plain model draws none of the names to keep, so no share of them can be left."
        return
    yield (
        "*Kept* is the share of the kept names that the plain model draws and that is left; a line "
        "is followed from the plain model on, its figures interpolated between two settings."
    )
    draw(_shown(lines(measured)), plot)
    for judge in registry.judges_of_concepts(measured.suite):
        read = measured.read_by(judge)
        shown = _shown(lines(read))
        yield f"## At equal shares of kept names: {registry.judge(judge).title}"
        yield _table(shown)
        yield _tested(read, shown)


def _shown(found: Sequence[Line]) -> list[Line]:
    """The best method first."""
    return [line for some in ranked(found).values() for line in some]


def _table(shown: Sequence[Line]) -> str:
    """Lines, and of each one's method what is left and kept at its authors' own setting."""
    authors = {line.sweep.use: line.own for line in shown if line.own}
    head = ["method", "its line"]
    for target in TARGETS:
        head += [f"left at {percent(target)} kept", "neighbours kept"]
    rows = []
    for line in shown:
        high, low = (line.at(target) for target in TARGETS)
        dial = f"{line.title}, {line.sweep.setting} {high.value}".removeprefix(", ")
        cells = [registry.method(line.sweep.use).title, dial]
        for one, target in zip((high, low), TARGETS, strict=True):
            other = "" if round(one.kept, 6) == target else f" (keeps {percent(one.kept)})"
            cells += [f"**{percent(one.left)}**{other}", percent(one.neighbours)]
        at = authors.get(line.sweep.use)
        rows.append([*cells, f"{percent(at.left)} · {percent(at.kept)}" if at else "–"])
    return table([*head, "authors' own: left · kept"], rows)


def _tested(measured: Measured, shown: Sequence[Line]) -> str:
    """The best line of the reference's method against the others; empty where it has none. What has
    one setting is at no kept share, and is left out."""
    use = measured.suite.entry(measured.suite.reference).use
    some = [line for line in shown if len(line.sweep.values) > 1]
    ours = next((line for line in some if line.sweep.use == use), None)
    others = [line for line in some if line is not ours]
    if ours is None or not others:
        return ""
    sentence = (
        f"{registry.method(ours.sweep.use).title} ({ours.title}) against the others: how much more "
        f"they leave, where each keeps at least that share; in parentheses 95 % of {RESAMPLED:,} "
        "draws of names, of the forgotten and of the kept, so that how sure the kept shares are is "
        "in it; p of the same draws, two-sided, with Holm's correction over the lines of a column."
    )
    rows = [
        [registry.method(each[0].line.sweep.use).title, each[0].line.title]
        + [
            cell
            for one in each
            for cell in (
                f"{100 * one.difference:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})",
                f"{one.p:.2g}",
            )
        ]
        for each in zip(*against(measured, ours, others), strict=True)
    ]
    head = ["method", "its line"]
    for target in TARGETS:
        head += [f"more left at {percent(target)} kept", "p, Holm"]
    return table(head, rows, sentence)


def draw(shown: Sequence[Line], path: Path) -> None:
    """Left against kept share: a colour a method, ours thick, its lines solid, dashed and so on;
    one setting alone is a cross."""
    colours = pyplot.get_cmap("tab20").colors  # pyright: ignore[reportAttributeAccessIssue]
    uses = sorted(
        dict.fromkeys(line.sweep.use for line in shown),
        key=lambda use: registry.method(use).kind != "ours",
    )
    least = min((point.kept for line in shown for point in line.points), default=0)
    figure, panel = pyplot.subplots(figsize=(8.4, 5))
    drawn: Counter[str] = Counter()
    for line in shown:
        use, single = line.sweep.use, len(line.sweep.values) == 1
        points = line.points[-1:] if single else line.points
        panel.plot(
            [100 * point.kept for point in points],
            [100 * point.left for point in points],
            marker="x" if single else "o",
            markersize=6 if single else 4,
            linewidth=2.4 if registry.method(use).kind == "ours" else 1.2,
            linestyle="none" if single else STYLES[drawn[use] % len(STYLES)],
            color=colours[uses.index(use) % len(colours)],
            label=f"{registry.method(use).title} ({line.title})".removesuffix(" ()"),
        )
        drawn[use] += not single
    for target in TARGETS:
        panel.axvline(100 * target, color="#bbbbbb", linewidth=0.8, zorder=0)
    panel.set(xlabel="kept share, %", ylabel="left of the forgotten, %", ylim=(-3, 103))
    panel.set_xlim(102, 10 * floor(10 * least) - 2)
    panel.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1), handlelength=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)
