"""The reference against every other method: paired Wilcoxon tests, corrected by Holm.

A test is a row of a frame: a method's label, how many ``pairs`` there are and how many of them
differ (``differing``; the test rests on them alone), the mean ``difference`` of reference − other,
its two-sided ``p``, at how many of the ``seeds`` the mean difference is above 0 (``seeds_ahead``)
and below (``seeds_behind``), and ``p_seeds`` of these means. ``…_holm`` are corrected for all tests
of the frame; ``least_p_holm`` and ``least_p_seeds_holm`` are what p would be if all pairs, and all
seeds, that differ did so in the same direction. ``verdict`` and ``verdict_seeds`` say who is ahead.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata, wilcoxon

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE, Suite

from .frames import Frame, Measured, by_pair

SIGNIFICANT = 0.05
"""A smaller p, after Holm's correction, counts as a difference."""

ENUMERATED = 13
"""Pairs; of more, scipy approximates where ranks are shared."""

DIGITS = 12
"""Differences are rounded to this many: less is none, and equal ones share a rank."""

TOO_FEW = "too few differ"

MEASURED = (
    *("pairs", "differing", "difference", "p"),
    *("seeds", "seeds_ahead", "seeds_behind", "p_seeds"),
)
"""Columns before the correction."""


def comparisons(measured: Measured, judge: str) -> Frame:
    """The harmonic means against the reference's, in the suite's order."""
    found = by_pair(measured.outcomes(judge), "harmonic_mean")
    return _against_reference(measured.suite, found)


def change_comparisons(measured: Measured) -> Frame:
    """The mean distances to the base model's pictures of what is kept; the smaller is ahead."""
    return _against_reference(measured.suite, -by_pair(measured.moved(), "moved"))


def hardest(suite: Suite, tests: Frame, *kinds: str) -> Frame:
    """Methods of these kinds by title, each in the setting that leaves the reference the least
    ahead, on the groups that it was measured on."""
    used = {label: registry.method(suite.entry(label).use) for label in tests.index}
    tests = tests.loc[[label for label in tests.index if used[label].kind in kinds]]
    titles = [used[label].title for label in tests.index]
    labels = tests.groupby(titles, sort=False)["difference"].idxmin()
    return tests.loc[labels].set_axis(labels.index)


def standing(test: Any) -> str:
    """What the seeds say of a test: the verdict on their means or, where too few differ for one, at
    how many of them the reference is better or worse."""
    if test.verdict_seeds != TOO_FEW:
        return test.verdict_seeds
    counts = {"better": test.seeds_ahead, "worse": test.seeds_behind}
    found = " and ".join(f"{word} at {count}" for word, count in counts.items() if count)
    return f"{found} of {test.seeds} seeds"


def by_standing(tests: Frame) -> dict[str, list[str]]:
    """Names by ``standing``, those that the reference is better than at most seeds first."""
    found: dict[str, list[str]] = {}
    order = (tests["seeds_behind"] - tests["seeds_ahead"]).sort_values(kind="stable").index
    for test in tests.loc[order].itertuples():
        found.setdefault(standing(test), []).append(test.Index)
    return found


def signed_rank(differences: Frame) -> dict[str, float]:
    """Two-sided test of paired differences; those that are 0 are left out of the ranks.

    Args:
        differences: reference − other, a value a pair, one at least, with the pair's ``seed`` in
            the index.
    """
    rounded = differences.round(DIGITS)
    means = rounded.groupby("seed").mean().round(DIGITS)
    return {
        "pairs": len(rounded),
        "differing": (rounded != 0).sum(),
        "difference": rounded.mean(),
        "p": paired_p(rounded),
        "seeds": len(means),
        "seeds_ahead": (means > 0).sum(),
        "seeds_behind": (means < 0).sum(),
        "p_seeds": paired_p(means),
    }


def corrected(tests: Mapping[str, Mapping[str, float]]) -> Frame:
    """The tests, by label, with Holm's correction for all of them."""
    found: Frame = pd.DataFrame([*tests.values()], index=[*tests], columns=[*MEASURED])
    of_seeds = found["seeds_ahead"] + found["seeds_behind"]
    for end, differing in (("", found["differing"]), ("_seeds", of_seeds)):
        p, least = holm(found[f"p{end}"]), holm(least_p(differing))
        columns = (found["difference"], differing, p, least)
        found[f"p{end}_holm"], found[f"least_p{end}_holm"] = p, least
        found[f"verdict{end}"] = [verdict(*test) for test in zip(*columns, strict=True)]
    return found


def verdict(difference: float, differing: int, p: float, least: float) -> str:
    """Who is ahead: "ahead", "behind", "equal", "no difference shown" or ``TOO_FEW``.

    Args:
        difference: reference − other.
        differing: pairs.
        p, least: corrected; what it is, and what it would be if these all differed alike.
    """
    if p < SIGNIFICANT:
        return "ahead" if difference > 0 else "behind"
    if differing == 0:
        return "equal"
    return TOO_FEW if least >= SIGNIFICANT else "no difference shown"


def least_p(differing: Any) -> Any:
    """The two-sided p of pairs that all differ in the same direction."""
    return np.minimum(1.0, 2.0 ** (1 - differing))


def holm(p: Frame) -> Frame:
    """Holm's step-down correction: each p times the number of hypotheses not yet rejected."""
    ordered = p.sort_values(kind="stable")
    return (ordered * np.arange(len(p), 0, -1)).clip(upper=1).cummax()[p.index]


def _against_reference(suite: Suite, table: Frame) -> Frame:
    """More of a value is ahead."""
    tests: dict[str, dict[str, float]] = {}
    for entry in suite.entries:
        label = entry.label
        if label in (BASE, suite.reference) or not {label, suite.reference} <= {*table.columns}:
            continue
        difference = (table[suite.reference] - table[label]).dropna()
        if len(difference):
            tests[label] = signed_rank(difference)
    return corrected(tests)


def paired_p(differences: Frame) -> float:
    """Wilcoxon's, two-sided, of differences rounded to ``DIGITS``; 1 where nothing differs.

    Of few pairs by all signs that their ranks could have: scipy's way to the same takes a second.
    """
    rounded = differences.round(DIGITS)
    differing = rounded[rounded != 0].to_numpy()
    if len(differing) > ENUMERATED:
        result: Any = wilcoxon(differing)
        return float(result.pvalue)
    ranks, sums = rankdata(abs(differing)), np.zeros(1)
    for rank in ranks:
        sums = np.concatenate([sums, sums + rank])
    own = ranks[differing > 0].sum()
    return min(1.0, 2 * min((sums <= own).mean(), (sums >= own).mean()))
