"""Ablations of the choice of weights: all of every concept's, or as many others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...fia_core import NeuronMask
from .erased import Erased
from .fia import applied, concept_masks, fused
from .settings import Masking, Profiling


def other_choice(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    use_cache: bool = True,
    choice: Literal["union", "random"] = "union",
) -> Erased:
    """The method with another last choice of weights.

    Args:
        model, clip, concepts: see the package.
        profiling, masking, strength, use_cache: as in the nodes.
        choice: "union" prunes every weight that any concept's mask holds, none is agnostic;
            "random" as many weights of each layer as FIA, drawn.
    """
    masks = concept_masks(model, clip, concepts, profiling, masking, use_cache)
    if choice == "union":
        return applied(model, clip, union_mask(masks), strength)
    mask = randomly_chosen(fused(masks, masking.agnostic_ratio), seed=0)
    return applied(model, clip, mask, strength)


def union_mask(masks: Sequence[NeuronMask]) -> NeuronMask:
    """Every weight that any of the masks holds."""
    first = masks[0]
    layers = {
        name: torch.stack([mask.layers[name] for mask in masks]).any(0) for name in first.layers
    }
    concepts = tuple(dict.fromkeys(concept for mask in masks for concept in mask.concepts))
    return replace(first, layers=layers, concepts=concepts, settings={"fusion": "union"})


def randomly_chosen(mask: NeuronMask, seed: int) -> NeuronMask:
    """As many weights of each layer as ``mask`` holds, drawn without replacement."""
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name, pruned in mask.layers.items():
        order = torch.randperm(pruned.numel(), generator=generator)
        chosen = torch.zeros(pruned.numel(), dtype=torch.bool)
        chosen[order[: int(pruned.sum())]] = True
        layers[name] = chosen.reshape(pruned.shape)
    return replace(mask, layers=layers, settings={"choice": "random", "seed": seed})
