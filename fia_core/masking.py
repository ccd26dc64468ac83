"""From concept profiles to one neuron mask: the stages over whole models."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from .equations.checks import decimal_share
from .equations.fusion import agnostic_threshold, fuse_masks
from .files.bits import BitLayers, count_packed, pack_bits, unpack_bits
from .files.values import same_words
from .fusion_counts import FusionCounts, FusionReport, sum_counts
from .mask import NeuronMask
from .profile import ConceptProfile, SparseSensitivity
from .version import VERSION

BLOCK = 1 << 15
"""Bytes of packed masks that are fused at once."""

MOST_WORKERS = 4
"""Layers whose places and values are in memory at once."""


@dataclass(frozen=True)
class FusionResult:
    """The fused mask and what the fusion did."""

    mask: NeuronMask
    report: FusionReport


def build_concept_mask(
    profile: ConceptProfile,
    spatial_sparsity: float,
    granularity: str = "both",
    device: torch.device | str = "cpu",
) -> NeuronMask:
    """Eq. 4-6 over every layer: the concept's own mask.

    Args:
        profile: the concept's profile.
        spatial_sparsity: r2 in (0, ``MAX_SPATIAL_SPARSITY``].
        granularity: "both", "channel" or "layer".
        device: where to select; the mask itself is on the CPU.

    Raises:
        ValueError: a sparsity outside the range, unknown granularity.
    """

    def select(layer: SparseSensitivity) -> Tensor:
        return pack_bits(layer.concept_sensitive_mask(spatial_sparsity, granularity, device))

    with ThreadPoolExecutor(_workers(device)) as threads:
        packed = dict(
            zip(profile.layers, threads.map(select, profile.layers.values()), strict=True)
        )
    share = decimal_share("spatial_sparsity", spatial_sparsity)
    return NeuronMask(
        layers=BitLayers(profile.shapes, packed),
        model=profile.model,
        concepts=(profile.concept,),
        settings={"spatial_sparsity": float(share), "granularity": granularity},
        provenance={
            "concept": profile.concept,
            "kind": profile.kind,
            "concept_prompts": list(profile.concept_prompts),
            "base_prompts": list(profile.base_prompts),
            "profile_settings": dict(profile.settings),
            "extension_version": VERSION,
        },
    )


def fuse_neuron_masks(
    masks: Sequence[NeuronMask], agnostic_ratio: float, protect: Sequence[NeuronMask] = ()
) -> FusionResult:
    """Eq. 7-8 over every layer: one mask that forgets all concepts and keeps what many hold.

    Args:
        masks: one mask a concept, of one model; a mask of several concepts counts as one.
        agnostic_ratio: alpha in (0, 1].
        protect: masks of concepts to keep; a weight that any of them holds is never pruned.

    Raises:
        ValueError: no masks, masks of different models or layers, a concept twice or both to forget
            and to keep, a ratio outside (0, 1].
    """
    masks, protect = tuple(masks), tuple(protect)
    if not masks:
        raise ValueError("masks: is empty; give the mask of at least one concept.")
    _require_same_model(masks, protect)
    _require_distinct_concepts(masks, protect)
    packed: dict[str, Tensor] = {}
    by_layer: dict[str, FusionCounts] = {}
    by_mask: list[list[FusionCounts]] = [[] for _ in masks]
    for name, shape in masks[0].shapes.items():
        held = [mask.bits.packed[name] for mask in masks]
        prunable, shared = _fuse_packed(held, agnostic_ratio)
        spared = _any_of([mask.bits.packed[name] for mask in protect], prunable)
        packed[name] = prunable ^ spared
        by_any, kept = prunable | shared, spared if protect else None
        by_layer[name] = _counts(shape, by_any, count_packed(by_any), shared, kept)
        for counts, mask, own in zip(by_mask, masks, held, strict=True):
            counts.append(_counts(shape, own, mask.counts[name], shared, kept))
    report = FusionReport(
        threshold=agnostic_threshold(agnostic_ratio, len(masks)),
        concepts=tuple(
            (", ".join(mask.concepts), sum_counts(counts))
            for mask, counts in zip(masks, by_mask, strict=True)
        ),
        layers=by_layer,
        total=sum_counts(list(by_layer.values())),
    )
    pruned = BitLayers(masks[0].shapes, packed)
    return FusionResult(_fused_mask(pruned, masks, agnostic_ratio, protect), report)


def _workers(device: torch.device | str) -> int:
    """Layers to select from side by side: on a CPU most of a selection is numpy's, on one core."""
    on_cpu = torch.device(device).type == "cpu"
    return min(torch.get_num_threads(), MOST_WORKERS) if on_cpu else 1


def _fused_mask(
    pruned: BitLayers,
    masks: Sequence[NeuronMask],
    agnostic_ratio: float,
    protect: Sequence[NeuronMask],
) -> NeuronMask:
    return NeuronMask(
        layers=pruned,
        model=masks[0].model,
        concepts=tuple(concept for mask in masks for concept in mask.concepts),
        settings={"agnostic_ratio": float(decimal_share("agnostic_ratio", agnostic_ratio))},
        provenance={
            "masks": [mask.origin_record() for mask in masks],
            "protect": [mask.origin_record() for mask in protect],
            "extension_version": VERSION,
        },
    )


def _fuse_packed(masks: Sequence[Tensor], agnostic_ratio: float) -> tuple[Tensor, Tensor]:
    """``fuse_masks`` of packed masks, packed; in blocks that stay in a processor's cache."""
    prunable, agnostic = [], []
    for blocks in zip(*(mask.split(BLOCK) for mask in masks), strict=True):
        bits = (unpack_bits(block, (8 * len(block),)) for block in blocks)
        for whole, part in zip((prunable, agnostic), fuse_masks(bits, agnostic_ratio), strict=True):
            whole.append(pack_bits(part))
    return torch.cat(prunable), torch.cat(agnostic)


def _any_of(masks: Sequence[Tensor], within: Tensor) -> Tensor:
    """The bits of the packed ``within`` that any of the packed masks holds."""
    held = torch.zeros_like(within)
    for mask in masks:
        held |= mask
    return held & within


def _counts(
    shape: tuple[int, int], sensitive: Tensor, held: int, agnostic: Tensor, spared: Tensor | None
) -> FusionCounts:
    """Counts of packed masks; ``sensitive`` has ``held`` weights, None spares nothing."""
    shared = count_packed(sensitive & agnostic)
    protected = 0 if spared is None else count_packed(sensitive & spared)
    return FusionCounts(prod(shape), held, shared, protected, held - shared - protected)


def _require_same_model(masks: Sequence[NeuronMask], protect: Sequence[NeuronMask]) -> None:
    first = masks[0]
    for argument, group in (("masks", masks), ("protect", protect)):
        for mask in group:
            what = f"{argument}: {', '.join(mask.concepts)}"
            first.model.require_same_model(mask.model, what)
            if mask.shapes != first.shapes:
                raise ValueError(
                    f"{what}: has other layers or shapes than {', '.join(first.concepts)}; "
                    "use masks of one model."
                )


def _require_distinct_concepts(masks: Sequence[NeuronMask], protect: Sequence[NeuronMask]) -> None:
    seen: set[str] = set()
    for concept in (concept for mask in masks for concept in mask.concepts):
        words = same_words(concept)
        if words in seen:
            raise ValueError(f"masks: {concept!r} comes twice; give each concept once.")
        seen.add(words)
    for concept in (concept for mask in protect for concept in mask.concepts):
        if same_words(concept) in seen:
            raise ValueError(
                f"protect: {concept!r} is among the masks to forget, too; connect it to one of "
                "them only."
            )
