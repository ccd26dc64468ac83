"""The fusion of a mask done again from its sources, to tell what it kept and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ..equations.fusion import agnostic_threshold, fuse_masks
from ..files.bits import count_bits
from ..fusion_counts import FusionCounts
from ..mask import NeuronMask
from .fusion_report import agnostic_rule


@dataclass(frozen=True)
class Refusion:
    """How the weights of a mask's layers were decided.

    Attributes:
        layers: counts by layer. Without ``threshold`` only ``pruned`` is known, and ``sensitive``
            is the same.
        threshold: τ_ca, how many masks make a weight concept-agnostic; None where the fusion could
            not be done again.
        note: the threshold in words, or why there is none.
    """

    layers: dict[str, FusionCounts]
    threshold: int | None
    note: str


def fuse_again(mask: NeuronMask, concept_masks: Sequence[NeuronMask]) -> Refusion:
    """Eq. 7-8 once more, where ``concept_masks`` hold all that ``mask`` was fused from.

    Args:
        mask: any mask.
        concept_masks: of the layers and shapes of ``mask``.
    """
    ratio, origins = mask.settings.get("agnostic_ratio"), mask.provenance.get("masks")
    if not isinstance(ratio, float) or not 0 < ratio <= 1 or not isinstance(origins, list):
        return _pruned_only(mask, "Not a fused mask: all that it holds is pruned.")
    if not concept_masks:
        return _pruned_only(mask, "Connect concept_masks to see which weights were kept.")
    sources = [source for source in concept_masks if source.origin_record() in origins]
    if len(sources) < len(origins):
        return _pruned_only(
            mask, "concept_masks are not all that the mask was fused from; what it kept is unknown."
        )
    layers = {}
    for name, pruned in mask.layers.items():
        prunable, agnostic = fuse_masks((source.layers[name] for source in sources), ratio)
        if (pruned & ~prunable).any():
            return _pruned_only(
                mask, "concept_masks do not give this mask again; what it kept is unknown."
            )
        kept, gone = count_bits(agnostic), mask.counts[name]
        held = kept + count_bits(prunable)
        layers[name] = FusionCounts(pruned.numel(), held, kept, held - kept - gone, gone)
    threshold = agnostic_threshold(ratio, len(sources))
    return Refusion(layers, threshold, agnostic_rule(threshold, len(sources)))


def _pruned_only(mask: NeuronMask, note: str) -> Refusion:
    layers = {
        name: FusionCounts(prod(mask.shapes[name]), held, 0, 0, held)
        for name, held in mask.counts.items()
    }
    return Refusion(layers, None, note)
