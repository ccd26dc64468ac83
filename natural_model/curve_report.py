"""Tables and a plot of curves.csv: what is left of the forgotten at equal kept share.

    python natural_model/curve_report.py --curves DIR/curves.csv --out docs/natural-curves.md

*Kept share* is how many kept names the judge finds, as a share of the plain model's. A line of
settings is followed from the plain model on; where it crosses a kept share between two settings,
the figures are interpolated. Of a method the line is shown that leaves least at 90 %; for test
names give ``--chosen-on`` the validation names' curves.csv, whose choice of lines then counts.
"""

import argparse
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from curve_lines import BUDGET, LINES
from names import VALIDATION

TARGETS = (0.9, 0.8)
FIGURES = ("named", "something", "from scene", "from plain")
PLACES = {
    (line.method, line.label, f"{value:g}"): place
    for line in LINES
    for place, value in enumerate(line.values)
}
TITLES = {"no": "Not told what to keep", "yes": "Told what to keep"}


@dataclass(frozen=True)
class Point:
    """One setting.

    Attributes:
        value: of the dial, or "plain"; of what lies between two settings, both.
        kept: the kept share.
        left: the figures of the forgotten's pictures.
        moved: kept pictures' distance to the plain model's.
    """

    value: str
    kept: float
    left: dict[str, float]
    moved: float

    def towards(self, other: "Point", part: float) -> "Point":
        """A setting between two."""

        def between(one: float, two: float) -> float:
            return one + part * (two - one)

        left = {name: between(self.left[name], other.left[name]) for name in FIGURES}
        return Point(
            f"{self.value} to {other.value}",
            between(self.kept, other.kept),
            left,
            between(self.moved, other.moved),
        )


@dataclass(frozen=True)
class Curve:
    """A line's settings, from the plain model on."""

    method: str
    settings: str
    dial: str
    points: tuple[Point, ...]

    def at(self, kept: float) -> Point:
        """The setting that leaves least among those that keep so much, and those between two where
        the line crosses it."""
        found = [point for point in self.points if point.kept >= kept]
        for one, other in pairwise(self.points):
            if (one.kept - kept) * (other.kept - kept) < 0:
                found.append(one.towards(other, (one.kept - kept) / (one.kept - other.kept)))
        return min(found, key=lambda point: (point.left["named"], point.moved))


Row = dict[str, str]

APART = ("model", "names", "guidance")
"""Columns whose rows are never pooled."""


def read(file: Path, **wanted_of: str | None) -> list[Row]:
    """Rows of ``curves.py`` of one model, one list of names and one guidance, which are never
    pooled.

    Args:
        file: curves.csv.
        wanted_of: the value of a column, ``model``, ``names`` or ``guidance``, where the file has
            several.

    Raises:
        ValueError: there are none, or more of them than one and none is named.
    """
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    for column in APART:
        wanted = wanted_of.get(column)
        rows = [row for row in rows if wanted in (None, row[column])]
        there = sorted({row[column] for row in rows})
        if len(there) != 1:
            raise ValueError(
                f"--{column}: {file} has rows of {', '.join(there) or 'none such'}; name one of "
                "those that it has."
            )
    return rows


def curves(rows: Sequence[Row], told: str) -> list[Curve]:
    """Every line; where it is told, those that cannot hear are left out. Seeds are averaged."""
    of_plain = [row for row in rows if row["method"] == "plain model"]
    kept_before = _mean(float(row["named"]) for row in of_plain if row["group"] == "kept")
    plain = _point(of_plain, "plain", kept_before)
    lines: dict[tuple[str, str, str], dict[str, list[Row]]] = {}
    for row in sorted(rows, key=_along_the_dial):
        if row["told"] == told and row["method"] != "plain model":
            line = lines.setdefault((row["method"], row["settings"], row["dial"]), {})
            line.setdefault(row["value"], []).append(row)
    return [
        Curve(*key, (plain, *(_point(found, value, kept_before) for value, found in line.items())))
        for key, line in lines.items()
    ]


def best(found: Iterable[Curve]) -> dict[str, Curve]:
    """Method → the line that leaves least at 90 % kept."""
    chosen: dict[str, Curve] = {}
    for curve in found:
        before = chosen.get(curve.method)
        if before is None or _order(curve) < _order(before):
            chosen[curve.method] = curve
    return chosen


def same_lines(found: Iterable[Curve], chosen: dict[str, Curve]) -> dict[str, Curve]:
    """Of every method the line that was chosen elsewhere."""
    return {
        curve.method: curve
        for curve in found
        if curve.method in chosen and curve.settings == chosen[curve.method].settings
    }


def _order(curve: Curve) -> tuple[float, ...]:
    return tuple(curve.at(target).left["named"] for target in TARGETS)


def _along_the_dial(row: Row) -> int:
    """The setting's place on its line, which may not have been drawn in that order; last where it
    is no longer there."""
    return PLACES.get((row["method"], row["settings"], row["value"]), BUDGET)


def _point(rows: Sequence[Row], value: str, kept_before: float) -> Point:
    forgotten = [row for row in rows if row["group"] == "forgotten"]
    kept = [row for row in rows if row["group"] == "kept"]
    share = round(_mean(float(row["named"]) for row in kept) / kept_before, 6)
    left = {name: _mean(float(row[name]) for row in forgotten) for name in FIGURES}
    return Point(value, share, left, _mean(float(row["from plain"]) for row in kept))


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def table(chosen: dict[str, Curve]) -> str:
    """Markdown, the least left first."""
    lines = [
        "| method | its line | left at 90 % kept | something there | from the scene alone "
        "| average pixel change in kept pictures | left at 80 % kept | something there |",
        "| --- " * 8 + "|",
    ]
    for curve in sorted(chosen.values(), key=_order):
        high, low = (curve.at(target) for target in TARGETS)
        lines.append(
            f"| {curve.method} | {curve.settings}, {curve.dial} {high.value} | "
            f"**{high.left['named']:.0%}** | {high.left['something']:.0%} | "
            f"{high.left['from scene']:.1%} | {high.moved:.1%} | "
            f"**{low.left['named']:.0%}** | {low.left['something']:.0%} |"
        )
    return "\n".join(lines)


def about(rows: Sequence[Row]) -> str:
    """Which names, how many pictures, and the plain model's own figures."""
    plain = {row["group"]: row for row in rows if row["method"] == "plain model"}
    counts = ", ".join(f"{plain[group]['pictures']} {group}" for group in ("forgotten", "kept"))
    seeds = len({row["seed"] for row in rows})
    named = " and ".join(f"{float(plain[g]['named']):.0%}" for g in ("forgotten", "kept"))
    there = " and ".join(f"{float(plain[g]['something']):.0%}" for g in ("forgotten", "kept"))
    alone = plain["scenes alone"]
    return (
        f"Model: {rows[0]['model']}; names: {rows[0]['names']}, for {rows[0]['use']}; pictures a "
        f"setting: {counts}; seeds: {seeds}. The plain model: named {named}, something there "
        f"{there}, in its scenes alone {float(alone['something']):.0%}; its pictures are "
        f"{float(plain['forgotten']['from scene']):.1%} from the scenes alone."
    )


def plot(found: dict[str, dict[str, Curve]], file: Path) -> None:
    """Left against kept share, a line a method, a panel each for told and not told."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    methods = list(dict.fromkeys(method for chosen in found.values() for method in chosen))
    colours = {method: f"C{number}" for number, method in enumerate(methods)}
    figure, panels = pyplot.subplots(1, len(found), figsize=(6.2 * len(found), 5), squeeze=False)
    for panel, (told, chosen) in zip(panels[0], found.items(), strict=True):
        for method, curve in chosen.items():
            panel.plot(
                [100 * point.kept for point in curve.points],
                [100 * point.left["named"] for point in curve.points],
                marker="o",
                markersize=4,
                linewidth=2.2 if method.startswith("FIA") else 1.2,
                color=colours[method],
                label=f"{method} ({curve.settings})",
            )
        for target in TARGETS:
            panel.axvline(100 * target, color="#bbbbbb", linewidth=0.8, zorder=0)
        panel.set(title=TITLES[told], xlabel="kept share, %", ylabel="left of the forgotten, %")
        panel.set_xlim(102, -2)
        panel.set_ylim(-3, 103)
        panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def report(rows: Sequence[Row], file: Path, chosen_on: Sequence[Row] | None = None) -> None:
    """Write the page, and the plot beside it as PNG."""
    found = {told: best(curves(rows, told)) for told in TITLES}
    if chosen_on is not None:
        for told in found:
            found[told] = same_lines(curves(rows, told), best(curves(chosen_on, told)))
    found = {told: chosen for told, chosen in found.items() if chosen}
    plot(found, file.with_suffix(".png"))
    parts = [about(rows), f"![Left against kept]({file.with_suffix('.png').name})"]
    parts += [f"### {TITLES[told]}\n\n{table(chosen)}" for told, chosen in found.items()]
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a Markdown file")
    parser.add_argument("--model", help="where the file has rows of several")
    parser.add_argument("--names", help="likewise")
    parser.add_argument("--guidance", help="likewise, such as 4")
    parser.add_argument("--chosen-on", type=Path, help="curves.csv of validation names")
    arguments = parser.parse_args()
    apart = {"model": arguments.model, "guidance": arguments.guidance}
    chosen = None
    if arguments.chosen_on:
        chosen = read(arguments.chosen_on, names=VALIDATION.title, **apart)
    report(read(arguments.curves, names=arguments.names, **apart), arguments.out, chosen)
