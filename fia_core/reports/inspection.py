"""The pruned weights of a mask by layer, block and channel, and the overlap of its concepts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..files.values import same_words
from ..fusion_counts import FusionCounts, sum_counts
from ..mask import NeuronMask
from .overlap import ConceptOverlap, concept_overlap
from .places import LayerPlace, layer_places
from .refusion import fuse_again


@dataclass(frozen=True, eq=False)
class LayerInspection:
    """The pruned weights of one FFN2 layer.

    Attributes:
        name: the module's name.
        place: where it sits, for people.
        shape: (C_out, C_in).
        counts: how its weights were decided; see ``MaskInspection.threshold``.
        by_output: int32 (C_out,), pruned weights of each output channel.
        by_input: int32 (C_in,), pruned weights of each input channel.
    """

    name: str
    place: LayerPlace
    shape: tuple[int, int]
    counts: FusionCounts
    by_output: Tensor
    by_input: Tensor


@dataclass(frozen=True, eq=False)
class MaskInspection:
    """The pruned weights of a mask.

    Attributes:
        mask: the inspected mask.
        layers: from the model's input to its output.
        threshold: how many masks make a weight concept-agnostic; None where it is not known which
            weights were kept: the counts' ``sensitive`` is then ``pruned``.
        note: the threshold in words, or why there is none.
        overlap: of the concepts' masks, those to forget first; None where none were given.
        model_weights: weights of the whole model, where the mask's profiles recorded them.
    """

    mask: NeuronMask
    layers: tuple[LayerInspection, ...]
    threshold: int | None
    note: str
    overlap: ConceptOverlap | None
    model_weights: int | None

    @cached_property
    def total(self) -> FusionCounts:
        """Counts of all layers together."""
        return sum_counts([layer.counts for layer in self.layers])

    @cached_property
    def blocks(self) -> dict[str, list[LayerInspection]]:
        """Layers by block, from the model's input to its output."""
        blocks: dict[str, list[LayerInspection]] = {}
        for layer in self.layers:
            blocks.setdefault(layer.place.block, []).append(layer)
        return blocks


def inspect_mask(
    mask: NeuronMask,
    concept_masks: Sequence[NeuronMask] = (),
    kept_masks: Sequence[NeuronMask] = (),
) -> MaskInspection:
    """Count where a mask's weights lie and what they take from each concept.

    Args:
        mask: the mask to inspect.
        concept_masks: masks of single concepts. Those that ``mask`` was fused from also tell which
            weights were concept-agnostic; one that ``mask`` does not forget counts as kept.
        kept_masks: masks of concepts that should stay.

    Raises:
        ValueError: a mask of another architecture or other layers, a concept twice, or a kept
            concept that ``mask`` forgets.
    """
    _require_same_architecture(mask, concept_masks, kept_masks)
    _require_separate_concepts(mask, concept_masks, kept_masks)
    decided = fuse_again(mask, concept_masks)
    shapes = mask.shapes
    layers = tuple(
        LayerInspection(
            name=name,
            place=place,
            shape=shapes[name],
            counts=decided.layers[name],
            by_output=mask.layers[name].sum(1, dtype=torch.int32),
            by_input=mask.layers[name].sum(0, dtype=torch.int32),
        )
        for name, place in layer_places(list(mask.layers)).items()
    )
    given = sorted((*concept_masks, *kept_masks), key=lambda other: not _forgets(mask, other))
    forgotten = [_forgets(mask, other) for other in given]
    return MaskInspection(
        mask=mask,
        layers=layers,
        threshold=decided.threshold,
        note=decided.note,
        overlap=concept_overlap(given, forgotten, mask) if given else None,
        model_weights=mask.model_weights,
    )


def _forgets(mask: NeuronMask, other: NeuronMask) -> bool:
    return _words(other) <= _words(mask)


def _words(mask: NeuronMask) -> set[str]:
    return {same_words(concept) for concept in mask.concepts}


def _require_same_architecture(
    mask: NeuronMask, concept_masks: Sequence[NeuronMask], kept_masks: Sequence[NeuronMask]
) -> None:
    """Masks of two checkpoints of one architecture may be compared; others may not."""
    for argument, group in (("concept_masks", concept_masks), ("kept_masks", kept_masks)):
        for other in group:
            own, its = mask.model.architecture, other.model.architecture
            if own != its or mask.shapes != other.shapes:
                raise ValueError(
                    f"{argument}: {', '.join(other.concepts)} is made for {its}, the inspected "
                    f"mask ({', '.join(mask.concepts)}) for {own}; use masks of one architecture."
                )


def _require_separate_concepts(
    mask: NeuronMask, concept_masks: Sequence[NeuronMask], kept_masks: Sequence[NeuronMask]
) -> None:
    seen: set[str] = set()
    for argument, group in (("concept_masks", concept_masks), ("kept_masks", kept_masks)):
        for concept in (concept for other in group for concept in other.concepts):
            words = same_words(concept)
            if words in seen:
                raise ValueError(f"{argument}: {concept!r} comes twice; give each concept once.")
            if argument == "kept_masks" and words in _words(mask):
                raise ValueError(
                    f"kept_masks: {concept!r} is what the mask forgets; connect masks of concepts "
                    "that should stay."
                )
            seen.add(words)
