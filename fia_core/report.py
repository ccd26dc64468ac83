"""What a fusion did, in numbers and as a readable table."""

from collections.abc import Sequence
from dataclasses import dataclass


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


@dataclass(frozen=True)
class FusionReport:
    """What a fusion did.

    Attributes:
        threshold: τ_ca, how many masks make a weight concept-agnostic.
        concepts: counts by concept (the name of a fused mask is its concepts', joined).
        layers: counts by layer.
        total: counts of the whole.
    """

    threshold: int
    concepts: dict[str, FusionCounts]
    layers: dict[str, FusionCounts]
    total: FusionCounts

    def text(self, model_weights: int | None = None) -> str:
        """A readable table; with ``model_weights`` also the share of the whole model."""
        names = ("all", *self.concepts, *self.layers)
        width = max(len(name) for name in names)
        heading = _row(width, "", _COLUMNS + (("of model",) if model_weights else ()))
        lines = [
            f"Concept masks fused: {len(self.concepts)}. A weight that {self.threshold} or more of "
            "them hold is concept-agnostic and kept.",
        ]
        for title, counts_by_name in (
            ("Total", {"all": self.total}),
            ("By concept", self.concepts),
            ("By layer", self.layers),
        ):
            lines += ["", title, heading]
            lines += [
                _counts_row(width, name, counts, model_weights)
                for name, counts in counts_by_name.items()
            ]
        return "\n".join(lines)


_COLUMNS = ("sensitive", "agnostic", "protected", "pruned", "of FFN2")


def _row(width: int, name: str, cells: Sequence[str]) -> str:
    return f"{name:<{width}}" + "".join(f"{cell:>12}" for cell in cells)


def _counts_row(width: int, name: str, counts: FusionCounts, model_weights: int | None) -> str:
    numbers = (counts.sensitive, counts.agnostic, counts.protected, counts.pruned)
    cells = [*(f"{number:,}" for number in numbers), f"{counts.share:.3%}"]
    if model_weights:
        cells.append(f"{counts.pruned / model_weights:.3%}")
    return _row(width, name, cells)
