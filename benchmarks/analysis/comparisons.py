"""The reference against every other method: paired Wilcoxon tests, corrected by Holm."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import nan
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import rankdata, wilcoxon

from benchmarks.harness import registry
from benchmarks.harness.suite import BASE, Group, Suite

from .frames import PAIR, Frame, Measured, by_pair

SIGNIFICANT = 0.05
"""A smaller p, after Holm's correction, counts as a difference."""

DIGITS = 12
"""Differences are rounded to this many: less is none, and equal ones share a rank."""

VERDICTS = ("ahead", "equal", "no difference shown", "behind", "too few pairs")


@dataclass(frozen=True)
class Comparison:
    """The reference against one other method.

    Attributes:
        pairs: how many there are.
        differing: those whose values differ; the test rests on them alone.
        difference: mean of reference − other.
        p: two-sided; 1 where no pair differs.
        seeds_ahead, seeds_behind, seeds: at how many of the seeds the mean difference is above 0,
            and below.
        p_seeds: of the mean differences at each seed.
        p_holm, p_seeds_holm: ``p`` and ``p_seeds`` corrected for all comparisons made together.
        least_p_holm, least_p_seeds_holm: what they would be if in every comparison every pair, and
            every seed, differed in the same direction.
    """

    pairs: int
    differing: int
    difference: float
    p: float
    seeds_ahead: int
    seeds_behind: int
    seeds: int
    p_seeds: float
    p_holm: float = nan
    p_seeds_holm: float = nan
    least_p_holm: float = nan
    least_p_seeds_holm: float = nan

    @property
    def verdict(self) -> str:
        """Who is ahead, if the test tells, and why not where it cannot."""
        if self.p_holm < SIGNIFICANT:
            return "ahead" if self.difference > 0 else "behind"
        if self.differing == 0:
            return "equal"
        return "too few pairs" if self.least_p_holm >= SIGNIFICANT else "no difference shown"


Tests = Mapping[str, Comparison]
"""By label."""


def comparisons(measured: Measured, judge: str, groups: Sequence[Group] = ()) -> Tests:
    """Of the harmonic means on these groups, or all, by label in the suite's order."""
    found = measured.outcomes(judge)
    if groups:
        found = found[found["group"].isin([group.name for group in groups])]
    return _against_reference(measured.suite, by_pair(found, "harmonic_mean"))


def change_comparisons(measured: Measured) -> Tests:
    """Of the mean distance to the base model's pictures of what is kept; the smaller is ahead."""
    return _against_reference(measured.suite, -by_pair(measured.moved(), "moved"))


def hardest(suite: Suite, tests: Tests, *kinds: str) -> dict[str, Comparison]:
    """Methods of these kinds by title, each in the setting that leaves the reference the least
    ahead, on the groups that it was measured on."""
    found: dict[str, Comparison] = {}
    for label, test in tests.items():
        known = registry.method(suite.entry(label).use)
        other = found.get(known.title)
        if known.kind in kinds and (other is None or test.difference < other.difference):
            found[known.title] = test
    return found


def by_verdict(tests: Tests) -> dict[str, list[str]]:
    """Names by what the test says of them, the best first."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, test in tests.items():
        found[test.verdict].append(name)
    return {word: found[word] for word in VERDICTS if word in found}


def signed_rank(differences: Sequence[float], seeds: Sequence[int]) -> Comparison:
    """Two-sided test of paired differences; those that are 0 are left out of the ranks.

    Args:
        differences: reference − other, a value a pair, one at least.
        seeds: of the pairs.
    """
    rounded = [round(value, DIGITS) for value in differences]
    by_seed: dict[int, list[float]] = defaultdict(list)
    for seed, difference in zip(seeds, rounded, strict=True):
        by_seed[seed].append(difference)
    means = [round(fmean(values), DIGITS) for values in by_seed.values()]
    return Comparison(
        pairs=len(rounded),
        differing=sum(value != 0 for value in rounded),
        difference=fmean(rounded),
        p=_p(rounded),
        seeds_ahead=sum(mean > 0 for mean in means),
        seeds_behind=sum(mean < 0 for mean in means),
        seeds=len(means),
        p_seeds=_p(means),
    )


def corrected(tests: Tests) -> dict[str, Comparison]:
    """The comparisons with Holm's correction for all of them."""
    p = holm({name: test.p for name, test in tests.items()})
    p_seeds = holm({name: test.p_seeds for name, test in tests.items()})
    least = holm({name: least_p(test.pairs) for name, test in tests.items()})
    least_seeds = holm({name: least_p(test.seeds) for name, test in tests.items()})
    return {
        name: replace(
            test,
            p_holm=p[name],
            p_seeds_holm=p_seeds[name],
            least_p_holm=least[name],
            least_p_seeds_holm=least_seeds[name],
        )
        for name, test in tests.items()
    }


def least_p(pairs: int) -> float:
    """The two-sided p of pairs that all differ in the same direction."""
    return min(1.0, 2.0 ** (1 - pairs))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down correction: each p times the number of hypotheses not yet rejected."""
    found: dict[str, float] = {}
    largest = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, p * (len(ordered) - rank)))
        found[name] = largest
    return {name: found[name] for name in p_values}


def _against_reference(suite: Suite, table: Frame) -> dict[str, Comparison]:
    """More of a value is ahead."""
    tests: dict[str, Comparison] = {}
    for entry in suite.entries:
        label = entry.label
        if label in (BASE, suite.reference) or not {label, suite.reference} <= {*table.columns}:
            continue
        difference = (table[suite.reference] - table[label]).dropna()
        if len(difference):
            seeds = difference.index.get_level_values(PAIR.index("seed"))
            tests[label] = signed_rank(list(difference), list(seeds))
    return corrected(tests)


def _p(differences: Sequence[float]) -> float:
    """Wilcoxon's, two-sided; 1 where nothing differs."""
    differing = np.array([value for value in differences if value != 0])
    signed_ranks = np.sign(differing) * rankdata(abs(differing))
    return _exact(min(tuple(sorted(signed_ranks)), tuple(sorted(-signed_ranks))))


@cache
def _exact(signed_ranks: tuple[float, ...]) -> float:
    """Ranks that come again, with the other sign too, are not tested again: it takes a second."""
    result: Any = wilcoxon(signed_ranks) if signed_ranks else None
    return float(result.pvalue) if result else 1.0
