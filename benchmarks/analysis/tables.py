"""A suite's rows as Markdown tables."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from statistics import NormalDist, fmean
from typing import Any

import numpy as np

from benchmarks.harness import registry
from benchmarks.harness.rows import OVERLAP, PREPARATION, PRUNED
from benchmarks.harness.suite import BASE, Entry, Group, Suite

from .comparisons import SIGNIFICANT
from .frames import Frame, Measured, of, over_seeds

LISTED = 6
"""How many of a setting's values are listed."""

WILSON = NormalDist().inv_cdf(0.975) ** 2
"""z² of a two-sided interval of 95 %."""

DIGITS = 6
"""Harmonic means that agree to this many digits count as equal."""

SHARES = ("forgotten", "kept", "kept_share", "harmonic_mean")


def table(head: Sequence[str], lines: Iterable[Sequence[str]], before: str = "") -> str:
    """A Markdown table below a sentence; empty without lines."""
    rows = [f"| {' | '.join(cells)} |" for cells in lines]
    if not rows:
        return ""
    start = [before, ""] if before else []
    heading = f"| {' | '.join(head)} |".replace("|  |", "| |")
    return "\n".join([*start, heading, f"| {'--- | ' * len(head)}".strip(), *rows])


def accuracy_table(measured: Measured, judge: str, groups: Sequence[Group]) -> str:
    """Every method on a family of groups, the mean over its groups."""
    lines = []
    for title, found in _by_method(measured, measured.outcomes(judge), groups):
        counts = [int(found[name].sum()) for name in ("forgotten_pictures", "kept_pictures")]
        pictures = " + ".join(f"{count:,} ({margin(count):.0f})" for count in counts)
        lines.append([title, *(over_seeds(found, name).percent() for name in SHARES), pictures])
    head = ["method", "accuracy on forgotten", "accuracy on kept", "kept share", "harmonic mean"]
    return table([*head, "pictures (margin)"], lines)


def _by_method(
    measured: Measured, frame: Frame, groups: Sequence[Group]
) -> Iterator[tuple[str, Frame]]:
    """Titles of the methods, and what a frame holds of each on these groups, where it does."""
    for entry in measured.suite.entries:
        found = of(frame, entry.label, groups)
        if len(found):
            yield registry.entry_title(entry), found


def margin(pictures: int) -> float:
    """How far, in percent, the true share may be from 0 or 100 % of this many pictures: Wilson's
    interval of 95 %, which takes them for independent."""
    return 100 * WILSON / (pictures + WILSON)


def each_table(measured: Measured, judge: str, groups: Sequence[Group]) -> str:
    """The harmonic mean of every method on every group."""
    others = measured.outcomes(judge)[lambda found: found["method"] != BASE]
    shown = dict(_by_method(measured, others, groups))
    own = [[found[found["group"] == group.name] for found in shown.values()] for group in groups]
    lines = [
        [group.name, *(over_seeds(found, "harmonic_mean").percent() for found in line)]
        for group, line in zip(groups, own, strict=True)
    ]
    return table(["group", *shown], lines, "Harmonic mean, group by group:")


def split_tables(measured: Measured, judge: str, groups: Sequence[Group]) -> Iterator[str]:
    """Forgotten accuracy and kept share by prompt and by condition, where there are several."""
    suite, found = measured.suite, measured.outcomes(judge, by_template=True)
    parts = {
        "prompt": ("template", {prompt: f"“{prompt}”" for prompt in suite.prompts}),
        "condition": ("condition", {one.name: one.name for one in suite.conditions}),
    }
    own = dict(_by_method(measured, found, groups))
    for what, (column, names) in parts.items():
        if len(names) < 2:
            continue
        lines = [
            [title, *(_split(frame[frame[column] == name]) for frame in own.values())]
            for name, title in names.items()
        ]
        yield table([what, *own], lines, f"Accuracy on forgotten / kept share, by {what}:")


def _split(found: Frame) -> str:
    if not len(found):
        return "–"
    return " / ".join(over_seeds(found, name).percent() for name in ("forgotten", "kept_share"))


def other_table(measured: Measured, judge: str, groups: Sequence[Group]) -> str:
    """A judge of something else than the concepts, on a family of groups: before and after, on
    what was forgotten and on what was kept."""
    lines = []
    for title, pairs in _by_method(measured, measured.pairs(judge), groups):
        parts = [pairs[pairs["forgotten"] == forgotten] for forgotten in (True, False)]
        cells = [over_seeds(p, name).percent() for p in parts for name in ("before", "after")]
        lines.append([title, *cells])
    return table(["method", "forgotten: before", "after", "kept: before", "after"], lines)


def test_table(suite: Suite, tests: Frame, of: str, digits: int = 1) -> str:
    """The tests of one value.

    Args:
        suite, tests: by label, one at least.
        of: what was compared, for the sentence above the table.
        digits: of the difference, in percent.
    """
    least = tests["least_p_seeds_holm"].min()
    bound = f", which cannot be below {least:.2g} here" if least >= SIGNIFICANT else ""
    sentence = (
        f"Paired Wilcoxon signed-rank test, two-sided, of {of}; a pair is one group at one seed in "
        "one condition. Holm's correction is over the methods of the table. *Too few differ*: "
        "Holm's p would not be below 0.05 if all that differ did so in the same direction. Pairs "
        "of one seed start from the same noise, and groups share prompts, so p tells less than of "
        f"as many independent pairs; *p, seeds* is of the means at each seed alone{bound}."
    )
    lines = [
        [
            registry.title(suite, test.Index),
            f"{100 * test.difference:+.{digits}f}",
            f"{test.pairs} ({test.differing})",
            f"{test.p:.2g}",
            f"{test.p_holm:.2g}",
            test.verdict,
            f"{test.seeds_ahead} of {test.seeds}",
            f"{test.p_seeds_holm:.2g}",
            test.verdict_seeds,
        ]
        for test in tests.itertuples()
    ]
    head = ["method", "difference", "pairs (differing)", "p", "p, Holm", "by pairs"]
    return table([*head, "seeds ahead", "p, seeds, Holm", "by seeds"], lines, sentence)


def agreement_table(measured: Measured, first: str, second: str) -> str:
    """How often two judges of the same thing agree on all pictures, the base model's, and after
    forgetting; empty where no picture was seen by both."""
    pictures = measured.pictures
    if not {first, second} <= {*pictures.columns}:
        return ""
    seen = pictures.dropna(subset=[first, second])
    concepts = {group.name: group.concepts for group in measured.suite.groups}
    shown = zip(seen["group"], seen["shows"], strict=True)
    forgotten = np.array([shows in concepts.get(group, ()) for group, shows in shown], dtype=bool)
    is_base = seen["method"] == BASE
    parts = {
        "all pictures": seen,
        "the base model's": seen[is_base],
        "of what was forgotten": seen[forgotten],
        "of what should stay": seen[~is_base & ~forgotten],
    }
    lines = []
    for title, part in parts.items():
        if len(part):
            kappa = cohens_kappa(part[first], part[second])
            shares = (part[first].mean(), part[second].mean(), (part[first] == part[second]).mean())
            lines.append(
                [
                    title,
                    f"{len(part):,}",
                    *(f"{100 * share:.1f}" for share in shares),
                    "–" if kappa is None else f"{kappa:.3f}",
                ]
            )
    titles = [f"{registry.judge(name).title}, %" for name in (first, second)]
    sentence = (
        "The same pictures, two judges: how often each finds what was asked for, how often they "
        "say the same, and Cohen's kappa (1 full agreement, 0 as by chance; none where one "
        "of them always says the same)."
    )
    return table(["pictures", "number", *titles, "equal, %", "kappa"], lines, sentence)


def cohens_kappa(first: Any, second: Any) -> float | None:
    """κ = (p_o − p_e) / (1 − p_e) of answers 1 or 0, with p_o the share of equal answers and p_e
    the share that two judges with these frequencies would reach by chance (Cohen 1960, "A
    coefficient of agreement for nominal scales").

    None where one of them always says the same, so that agreement cannot be told from chance.
    """
    one, other = first.mean(), second.mean()
    if {one, other} & {0.0, 1.0}:
        return None
    chance = one * other + (1 - one) * (1 - other)
    return ((first == second).mean() - chance) / (1 - chance)


def judge_pairs(suite: Suite) -> Iterator[tuple[str, str]]:
    """The suite's judges that look for the same thing, two by two."""
    for first, second in combinations(suite.judges, 2):
        aspects = {registry.judge(name).aspect for name in (first, second)}
        if len(aspects) == 1 and "picture" not in aspects:
            yield first, second


def best_settings(measured: Measured) -> dict[str, Entry]:
    """Each peer's best setting: the highest harmonic mean over all groups and, among equals, the
    least distance of kept pictures. Peers with one setting are left out."""
    suite, moved = measured.suite, measured.moved()
    ranks: dict[str, list[tuple[float, float, int, Entry]]] = {}
    for number, entry in enumerate(suite.entries):
        found = over_seeds(of(measured.accuracy, entry.label, suite.groups), "harmonic_mean")
        if found.by_seed and registry.method(entry.use).is_peer:
            far = over_seeds(of(moved, entry.label, suite.groups), "moved")
            distance = far.mean if far.by_seed else float("inf")
            rank = (-round(found.mean, DIGITS), distance, number, entry)
            ranks.setdefault(entry.use, []).append(rank)
    return {use: min(found)[-1] for use, found in ranks.items() if len(found) > 1}


def best_settings_list(measured: Measured) -> str:
    """The best settings as a Markdown list; empty without any."""
    return "\n".join(
        f"- {registry.method(use).title}: {registry.entry_title(entry)}"
        for use, entry in best_settings(measured).items()
    )


def cost_table(measured: Measured) -> str:
    """Time before the first picture, share of the weights that is pruned, time of a picture; means
    over a family of groups."""
    suite, lines = measured.suite, []
    for entry in suite.entries:
        for family, groups in suite.families.items() if entry.label != BASE else ():
            pictures = of(measured.pictures, entry.label, groups)
            runs = of(measured.runs, entry.label, groups)
            if len(pictures):
                seconds = runs[PREPARATION]
                cells = (
                    ["cached", "–"]
                    if registry.uses_cache(entry)
                    else [_mean(seconds), _mean(seconds / runs["concepts"])]
                )
                figures = [100 * runs[PRUNED], runs[OVERLAP], pictures["seconds"]]
                lines.append([registry.entry_title(entry), family, *cells, *map(_mean, figures)])
    sentence = (
        "Seconds on the machine that ran the suite; *cached*: profiles may come from the cache, so "
        "that a time would say nothing. *Overlap* is the Jaccard index of the mask with that of "
        f"{registry.title(suite, suite.reference)}."
    )
    head = ["method", "group", "preparation, s", "for each concept, s", "pruned, % of the layers"]
    costs = table([*head, "overlap", "a picture, s"], lines, sentence)
    return "\n".join([costs, *_mean_overlap(measured)]) if costs else ""


def _mean(values: Any) -> str:
    """Their mean with two digits after the point, or a dash."""
    found = list(values.dropna())
    return f"{fmean(found):.2f}" if found else "–"


def _mean_overlap(measured: Measured) -> list[str]:
    """Over other settings of the reference's method, where there are several."""
    suite = measured.suite
    method = suite.entry(suite.reference).use
    alike = [entry.label for entry in suite.entries if entry.use == method]
    overlaps = measured.runs[measured.runs["method"].isin(alike)][OVERLAP].dropna()
    if len(overlaps) < 2:
        return []
    title, spread = registry.method(method).title, f"{overlaps.min():.2f} to {overlaps.max():.2f}"
    return ["", f"Mean overlap, {title}: {fmean(overlaps):.2f} ({spread})."]


def settings_list(measured: Measured) -> str:
    """Settings that differ from the methods' own; empty where none does."""
    return "\n".join(
        f"- {registry.entry_title(entry)}: "
        + "; ".join(f"{key} {_value(value)}" for key, value in entry.settings.items())
        for entry in measured.suite.entries
        if entry.settings and entry.label in measured.labels
    )


def _value(value: Any) -> str:
    """A long list by its beginning and its length; blanks in quotes."""
    if isinstance(value, str) and not value.strip():
        return f"“{value}”"
    if not isinstance(value, list):
        return str(value)
    end = f" … ({len(value)})" if len(value) > LISTED else ""
    return ", ".join(map(str, value[:LISTED])) + end
