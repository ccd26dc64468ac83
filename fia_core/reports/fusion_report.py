"""The result of a fusion in numbers and as a readable table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from .places import layer_places
from .tables import markdown_table


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

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each concept that loses no weight, with the reason and a mend."""
        return tuple(
            f"{name} will not be forgotten: {self._reason(counts)}"
            for name, counts in self.concepts
            if counts.pruned == 0
        )

    @property
    def rule(self) -> str:
        """The threshold in words."""
        return agnostic_rule(self.threshold, len(self.concepts))

    def text(self, model_weights: int | None = None) -> str:
        """The warnings and two tables; with ``model_weights`` also shares of the model."""
        places = layer_places(tuple(self.layers))
        by_layer = [(places[name].label, counts) for name, counts in self.layers.items()]
        by_concept = [*self.concepts, ("all together", self.total)]
        columns = (*_COLUMNS, "of model") if model_weights else _COLUMNS
        parts = [
            *(f"Warning: {warning}" for warning in self.warnings),
            f"Concept masks fused: {len(self.concepts)}. {self.rule}",
        ]
        for title, rows in (("concept", by_concept), ("layer", by_layer)):
            cells = [(name, *_cells(counts, model_weights)) for name, counts in rows]
            parts += [f"By {title}:", markdown_table((title, *columns), cells)]
        return "\n\n".join(parts)

    def _reason(self, counts: FusionCounts) -> str:
        """Why a concept that loses no weight does so, and what to do."""
        if counts.sensitive == 0:
            return "no weight answers to it. Check its words and contexts, or profile more steps."
        mends = ["protect less", "forget it with a Fuse Masks and an Apply Neuron Mask of its own"]
        if self.threshold < len(self.concepts):
            mends.insert(0, "raise the agnostic ratio")
        return (
            f"of its {counts.sensitive:,} sensitive weights {counts.agnostic:,} are agnostic and "
            f"{counts.protected:,} protected. You may {', or '.join(mends)}."
        )


def agnostic_rule(threshold: int, masks: int) -> str:
    """A threshold in words, for this number of masks."""
    if threshold > masks:
        return "A single concept has no concept-agnostic weights: its whole mask is pruned."
    if masks == 2:
        return (
            "What both hold is concept-agnostic and kept, at any ratio: fuse no two words for the "
            "same thing."
        )
    return f"A weight that {threshold} or more of {masks} hold is concept-agnostic and kept."


_COLUMNS = ("sensitive", "agnostic", "protected", "pruned", "of FFN2")


def _cells(counts: FusionCounts, model_weights: int | None) -> list[str]:
    numbers = (counts.sensitive, counts.agnostic, counts.protected, counts.pruned)
    cells = [*(f"{number:,}" for number in numbers), f"{counts.share:.3%}"]
    if model_weights:
        cells.append(f"{counts.pruned / model_weights:.3%}")
    return cells
