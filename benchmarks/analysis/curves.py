"""The report of sweeps that are followed to equal shares of the kept names: tables and a plot."""

from collections import Counter
from collections.abc import Sequence
from math import floor, isnan, nan
from pathlib import Path

from matplotlib import pyplot

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE, NOTHING, Sweep
from benchmarks.judges.by_eye import BY_EYE

from .equal_kept import RESAMPLED, against
from .frames import Measured
from .lines import PRESENCE, TARGETS, Line, lines, mean, point, ranked, seen, title_of
from .plots import save
from .tables import agreement_table, table

TITLES = {False: "Not told what to keep", True: "Told what to keep"}
STYLES = "solid", "dashed", "dashdot", "dotted"
"""Of a method's lines."""


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
    parts += _sections(measured, found)
    for judge in _further_judges(measured):
        other = measured.read_by(judge)
        read = {told: lines(other, told) for told in found}
        parts += _sections(other, read, f": {registry.judge(judge).title}")
    if BY_EYE in measured.pictures:
        parts.append("## Do blind readings say what the judges say?")
        for judge in registry.judges_of_concepts(measured.suite):
            parts.append(agreement_table(measured, judge, BY_EYE))
    return parts


def _sections(measured: Measured, found: dict[bool, list[Line]], ending: str = "") -> list[str]:
    """A heading, which may end with whose reading it is, the lines, and what follows from them."""
    parts: list[str] = []
    for told, own in found.items():
        shown = _shown(measured, own)
        parts += [f"## {TITLES[told]}{ending}", _table(shown, own, told)]
        if measured.suite.chooses:
            parts += [_chosen(own, [one for one in measured.suite.sweeps if one.told == told])]
        else:
            parts += [_tested(measured, shown)]
    return parts


def _further_judges(measured: Measured) -> list[str]:
    """After the first, which decides all but their own tables; blind readings at the end."""
    read = [BY_EYE] if BY_EYE in measured.pictures else []
    return [*registry.judges_of_concepts(measured.suite)[1:], *read]


def _shown(measured: Measured, own: list[Line]) -> list[Line]:
    """The best line of each method where the suite chooses, else all; the best method first."""
    order = ranked(own).values()
    return [line for some in order for line in (some[:1] if measured.suite.chooses else some)]


def _about(measured: Measured) -> str:
    plain = point(measured, BASE, "plain")
    judge = registry.judge_of_concepts(measured.suite)
    kept = mean(seen(measured, judge, BASE, forgotten=False))
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


def _table(some: Sequence[Line], own: Sequence[Line], told: bool) -> str:
    """Lines, and of each one's method what is left and kept at its authors' own setting."""
    authors = {line.sweep.use: line.own for line in own if line.own}
    head = ["method", "its line"]
    for target in TARGETS:
        head += [f"left at {target:.0%} kept", "neighbours kept"]
        head += ["kept, not told of"] if told else []
        head += ["something there", "from the scene alone"]
    rows = []
    for line in some:
        high, low = (line.at(target) for target in TARGETS)
        dial = f"{line.title}, {line.sweep.setting} {high.value}".removeprefix(", ")
        cells = [registry.method(line.sweep.use).title, dial]
        for one, target in zip((high, low), TARGETS, strict=True):
            other = "" if round(one.kept, 6) == target else f" (keeps {_percent(one.kept)})"
            cells += [f"**{_percent(one.left)}**{other}", _percent(one.neighbours)]
            cells += [_percent(one.unheard)] if told else []
            cells += [_percent(one.there), _percent(one.from_scene, 1)]
        at = authors.get(line.sweep.use)
        theirs = f"{_percent(at.left)} · {_percent(at.kept)}" if at else "–"
        rows.append([*cells, _percent(high.moved, 1), theirs])
    head += ["average pixel change in kept pictures, at 90 %", "authors' own: left · kept"]
    return table(head, rows)


def _chosen(own: Sequence[Line], sweeps: Sequence[Sweep]) -> str:
    """The lines that later suites take: of each method its authors' own, where it has their
    setting, and the two best."""
    theirs = {sweep.use: title_of(sweep) for sweep in sweeps if sweep.own is not None}
    rows = [
        [registry.method(use).title, theirs.get(use, "–"), *[line.title for line in some], "–"][:4]
        for use, some in ranked(own).items()
    ]
    head = ["method", "authors' own", f"best at {TARGETS[0]:.0%} kept", "second"]
    return table(head, rows, "Lines that later suites take:")


def _tested(measured: Measured, some: Sequence[Line]) -> str:
    """The best line of the reference's method against the others; empty where it has none. What has
    one setting is at no kept share, and is left out."""
    use = measured.suite.entry(measured.suite.reference).use
    lines = [line for line in some if len(line.sweep.values) > 1]
    ours = next((line for line in lines if line.sweep.use == use), None)
    others = [line for line in lines if line is not ours]
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
        head += [f"more left at {target:.0%} kept", "p, Holm"]
    return table(head, rows, sentence)


def _percent(share: float, digits: int = 0) -> str:
    return "–" if isnan(share) else f"{share:.{digits}%}"


def draw(shown: dict[bool, list[Line]], path: Path) -> None:
    """Left against kept share, a panel each for told and not told: a colour a method, ours
    thick, its lines solid, dashed and so on; one setting alone is a cross."""
    colours = pyplot.get_cmap("tab20").colors  # pyright: ignore[reportAttributeAccessIssue]
    uses = list(dict.fromkeys(line.sweep.use for some in shown.values() for line in some))
    uses.sort(key=lambda use: registry.method(use).kind != "ours")
    kept = [point.kept for some in shown.values() for line in some for point in line.points]
    least = min(kept, default=0)
    width = 8.4 * max(1, len(shown))
    figure, panels = pyplot.subplots(1, max(1, len(shown)), figsize=(width, 5), squeeze=False)
    for panel, (told, some) in zip(panels[0], shown.items(), strict=False):
        drawn: Counter[str] = Counter()
        for line in some:
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
                label=_name(line),
            )
            drawn[use] += not single
        for target in TARGETS:
            panel.axvline(100 * target, color="#bbbbbb", linewidth=0.8, zorder=0)
        panel.set(title=TITLES[told], xlabel="kept share, %", ylabel="left of the forgotten, %")
        panel.set_xlim(102, 10 * floor(10 * least) - 2)
        panel.set_ylim(-3, 103)
        panel.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1), handlelength=4)
    save(figure, path)


def _name(line: Line) -> str:
    return f"{registry.method(line.sweep.use).title} ({line.title})".removesuffix(" ()")
