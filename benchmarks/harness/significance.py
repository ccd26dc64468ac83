"""Paired Wilcoxon signed-rank tests, corrected for their number by Holm."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from statistics import fmean
from typing import Any

from scipy.stats import wilcoxon

SIGNIFICANT = 0.05
"""A smaller p, after Holm's correction, counts as a difference."""

DIGITS = 12
"""Differences are rounded to so many: less is none, and equal ones share a rank."""


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


def signed_rank(
    reference: Sequence[float], other: Sequence[float], seeds: Sequence[int]
) -> Comparison:
    """Two-sided test of paired values; pairs without a difference are left out of the ranks.

    Args:
        reference, other: a value a pair.
        seeds: of the pairs.

    Raises:
        ValueError: no pairs, or not as many values.
    """
    differences = [round(mine - its, DIGITS) for mine, its in zip(reference, other, strict=True)]
    if not differences:
        raise ValueError("reference: has no values; give at least one pair.")
    by_seed: dict[int, list[float]] = defaultdict(list)
    for seed, difference in zip(seeds, differences, strict=True):
        by_seed[seed].append(difference)
    means = [round(fmean(values), DIGITS) for values in by_seed.values()]
    return Comparison(
        pairs=len(differences),
        differing=sum(value != 0 for value in differences),
        difference=fmean(differences),
        p=_p(differences),
        seeds_ahead=sum(mean > 0 for mean in means),
        seeds_behind=sum(mean < 0 for mean in means),
        seeds=len(means),
        p_seeds=_p(means),
    )


def corrected(tests: Mapping[str, Comparison]) -> dict[str, Comparison]:
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
    """The two-sided p of so many pairs that all differ in the same direction."""
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


def _p(differences: Sequence[float]) -> float:
    """Wilcoxon's, two-sided; 1 where nothing differs."""
    differing = [value for value in differences if value != 0]
    result: Any = wilcoxon(differing) if differing else None
    return float(result.pvalue) if result else 1.0
