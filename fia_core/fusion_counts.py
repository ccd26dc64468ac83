"""How the weights of masks were decided when they were fused, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class FusionCounts:
    """How the weights of one concept's mask, of one layer or of the whole were decided.

    Attributes:
        weights: weights of the layer; for a concept and the whole, of all FFN2 layers.
        sensitive: held by the concept's mask; for a layer and the whole, by any mask.
        agnostic: of these, held by enough masks to be kept.
        protected: of these, not agnostic but kept because a protected mask holds them.
        pruned: of these, pruned. sensitive = agnostic + protected + pruned.
    """

    weights: int
    sensitive: int
    agnostic: int
    protected: int
    pruned: int

    @property
    def share(self) -> float:
        """Pruned weights as a fraction of ``weights``."""
        return self.pruned / self.weights


def sum_counts(counts: Sequence[FusionCounts]) -> FusionCounts:
    """The counts of several layers together."""
    return FusionCounts(
        *(sum(getattr(one, field.name) for one in counts) for field in fields(FusionCounts))
    )


@dataclass(frozen=True)
class FusionReport:
    """The result of a fusion in numbers.

    Attributes:
        threshold: τ_ca, how many masks make a weight concept-agnostic.
        concepts: name and counts of each mask (a fused mask's name is its concepts', joined).
        layers: counts by layer's module name.
        total: counts of the whole.
    """

    threshold: int
    concepts: tuple[tuple[str, FusionCounts], ...]
    layers: dict[str, FusionCounts]
    total: FusionCounts
