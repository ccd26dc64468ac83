"""The reference against every other method: paired Wilcoxon tests, corrected by Holm.

A test is a row of a frame: a method's label, how many ``pairs`` there are and how many of them
differ (``differing``; the test rests on them alone), the mean ``difference`` of reference − other,
its two-sided ``p``, at how many of the ``seeds`` the mean difference is above 0 (``seeds_ahead``)
and below (``seeds_behind``), and ``p_seeds`` of these means. ``least_p`` and ``least_p_seeds`` are
what p would be if every pair, and every seed, differed in the same direction. ``…_holm`` are
corrected for all tests of the frame. ``verdict`` is one of ``VERDICTS``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata, wilcoxon

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE, Group, Suite

from .frames import Frame, Measured, by_pair

SIGNIFICANT = 0.05
"""A smaller p, after Holm's correction, counts as a difference."""

ENUMERATED = 13
"""Pairs; of more, scipy approximates where ranks are shared."""

DIGITS = 12
"""Differences are rounded to this many: less is none, and equal ones share a rank."""

VERDICTS = ("ahead", "equal", "no difference shown", "behind", "too few pairs")

MEASURED = (
    *("pairs", "differing", "difference", "p"),
    *("seeds", "seeds_ahead", "seeds_behind", "p_seeds"),
)
"""Columns before the correction."""


def comparisons(measured: Measured, judge: str, groups: Sequence[Group] = ()) -> Frame:
    """Of the harmonic means on these groups, or all, in the suite's order."""
    found = measured.outcomes(judge)
    if groups:
        found = found[found["group"].isin([group.name for group in groups])]
    return _against_reference(measured.suite, by_pair(found, "harmonic_mean"))


def change_comparisons(measured: Measured) -> Frame:
    """Of the mean distance to the base model's pictures of what is kept; the smaller is ahead."""
    return _against_reference(measured.suite, -by_pair(measured.moved(), "moved"))


def hardest(suite: Suite, tests: Frame, *kinds: str) -> Frame:
    """Methods of these kinds by title, each in the setting that leaves the reference the least
    ahead, on the groups that it was measured on."""
    used = {label: registry.method(suite.entry(label).use) for label in tests.index}
    tests = tests.loc[[label for label in tests.index if used[label].kind in kinds]]
    titles = [used[label].title for label in tests.index]
    labels = tests.groupby(titles, sort=False)["difference"].idxmin()
    return tests.loc[labels].set_axis(labels.index)


def by_verdict(tests: Frame) -> dict[str, list[str]]:
    """Names by what the test says of them, the best first."""
    found = {word: [*tests.index[tests["verdict"] == word]] for word in VERDICTS}
    return {word: names for word, names in found.items() if names}


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
    found["least_p"], found["least_p_seeds"] = least_p(found["pairs"]), least_p(found["seeds"])
    for name in ("p", "p_seeds", "least_p", "least_p_seeds"):
        found[f"{name}_holm"] = holm(found[name])
    found["verdict"] = [verdict(test) for test in found.itertuples()]
    return found


def verdict(test: Any) -> str:
    """Who is ahead, if the test tells, and why not where it cannot."""
    if test.p_holm < SIGNIFICANT:
        return "ahead" if test.difference > 0 else "behind"
    if test.differing == 0:
        return "equal"
    return "too few pairs" if test.least_p_holm >= SIGNIFICANT else "no difference shown"


def least_p(pairs: Any) -> Any:
    """The two-sided p of pairs that all differ in the same direction."""
    return np.minimum(1.0, 2.0 ** (1 - pairs))


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
    """Wilcoxon's, two-sided; 1 where nothing differs.

    Of few pairs by all signs that their ranks could have: scipy's way to the same takes a second.
    """
    differing = differences[differences != 0].to_numpy()
    if len(differing) > ENUMERATED:
        result: Any = wilcoxon(differing)
        return float(result.pvalue)
    ranks, sums = rankdata(abs(differing)), np.zeros(1)
    for rank in ranks:
        sums = np.concatenate([sums, sums + rank])
    own = ranks[differing > 0].sum()
    return min(1.0, 2 * min((sums <= own).mean(), (sums >= own).mean()))
