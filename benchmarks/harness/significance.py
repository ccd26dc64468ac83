"""Paired Wilcoxon signed-rank tests, corrected for their number by Holm."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from statistics import fmean
from typing import Any

from scipy.stats import wilcoxon

SIGNIFICANT = 0.05
"""A smaller p, after Holm's correction, counts as a difference."""

ROUNDING = 1e-12
"""A difference that is no larger is none."""


@dataclass(frozen=True)
class Comparison:
    """The reference against one other method.

    Attributes:
        pairs: how many there are.
        differing: those whose values differ; the test rests on them alone.
        difference: mean of reference − other.
        p: two-sided; 1 where no pair differs.
        seeds_ahead, seeds: at how many of the seeds the mean difference is above 0.
        p_holm: ``p`` corrected for all comparisons made together.
    """

    pairs: int
    differing: int
    difference: float
    p: float
    seeds_ahead: int
    seeds: int
    p_holm: float = nan

    @property
    def smallest_p(self) -> float:
        """What p would be if every pair differed, and in the same direction."""
        return 2.0 ** (1 - self.pairs)


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
    differences = [mine - its for mine, its in zip(reference, other, strict=True)]
    if not differences:
        raise ValueError("reference: has no values; give at least one pair.")
    differing = [value for value in differences if abs(value) > ROUNDING]
    result: Any = wilcoxon(differing) if differing else None
    p = float(result.pvalue) if result else 1.0
    by_seed: dict[int, list[float]] = defaultdict(list)
    for seed, difference in zip(seeds, differences, strict=True):
        by_seed[seed].append(difference)
    ahead = sum(fmean(values) > ROUNDING for values in by_seed.values())
    mean = fmean(differences)
    return Comparison(len(differences), len(differing), mean, p, ahead, len(by_seed))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down correction: each p times the number of hypotheses not yet rejected."""
    corrected: dict[str, float] = {}
    largest = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, p * (len(ordered) - rank)))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}
