"""Paired Wilcoxon signed-rank tests, corrected for their number by Holm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from statistics import fmean
from typing import Any

from scipy.stats import wilcoxon

SIGNIFICANT = 0.05
"""A smaller p, after Holm's correction, counts as a difference."""


@dataclass(frozen=True)
class Comparison:
    """The reference against one other method.

    Attributes:
        pairs: how many there are.
        differing: those whose values differ; the test rests on them alone.
        difference: mean of reference − other.
        p: two-sided; 1 where no pair differs.
        p_holm: ``p`` corrected for all comparisons made together.
    """

    pairs: int
    differing: int
    difference: float
    p: float
    p_holm: float = nan

    @property
    def smallest_p(self) -> float:
        """What p would be if every pair differed, and in the same direction."""
        return 2.0 ** (1 - self.pairs)


def signed_rank(reference: Sequence[float], other: Sequence[float]) -> Comparison:
    """Two-sided test of paired values; pairs without a difference are left out of the ranks.

    Raises:
        ValueError: no pairs, or not as many values.
    """
    differences = [mine - its for mine, its in zip(reference, other, strict=True)]
    if not differences:
        raise ValueError("reference: has no values; give at least one pair.")
    # Differences of rounding are none.
    differing = [value for value in differences if abs(value) > 1e-12]
    result: Any = wilcoxon(differing) if differing else None
    p = float(result.pvalue) if result else 1.0
    return Comparison(len(differences), len(differing), fmean(differences), p)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down correction: each p times the number of hypotheses not yet rejected."""
    corrected: dict[str, float] = {}
    largest = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, p * (len(ordered) - rank)))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}
