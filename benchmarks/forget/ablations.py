"""Ablations of the choice of weights: all of every concept's, as many of others, whole units, one
budget for all layers, or those that a masked model still uses, too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field

from ...fia_core import ConceptProfile, NeuronMask
from ...nodes.host.model.layers import find_ffn2_layers
from .erased import Erased
from .fia import applied, concept_mask, concept_masks, fused
from .settings import Masking, Profiling


def other_choice(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    profiled: ModelPatcher | None = None,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    use_cache: bool = True,
    choice: Literal["union", "random", "magnitude", "units", "one budget"] = "union",
) -> Erased:
    """The method with another last choice of weights.

    Args:
        model, clip, concepts, profiled: see the package.
        profiling, masking, strength, use_cache: as in the nodes.
        choice: "union" prunes every weight that any concept's mask holds, none is agnostic;
            "random" and "magnitude" as many weights of each layer as FIA, drawn or the largest;
            "units" whole hidden units, of each layer the r2 · C_in with the largest Σ_i A[i, j]
            (the granularity has no part in it); "one budget" the r2 · n largest A[i, j] of the
            model's n weights instead of each layer's own.
    """
    mask_of = {"units": unit_mask, "one budget": model_wide_mask}.get(choice, concept_mask)
    masks = concept_masks(profiled or model, clip, concepts, profiling, masking, use_cache, mask_of)
    if choice == "union":
        return applied(model, clip, union_mask(masks), strength)
    mask = fused(masks, masking.agnostic_ratio)
    if choice == "magnitude":
        mask = largest(model, mask)
    elif choice == "random":
        mask = randomly_chosen(mask, seed=0)
    return applied(model, clip, mask, strength)


def second_round(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    profiled: ModelPatcher | None = None,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    rounds: Annotated[int, Field(ge=1)] = 2,
) -> Erased:
    """The method, and then again on the masked model, which shows what else serves the concepts;
    pruned is what any round prunes.

    Args:
        model, clip, concepts, profiled: see the package.
        profiling, masking, strength: as in the nodes; rounds are profiled at strength 1.
        rounds: 1 is the method.
    """
    masked, found = profiled or model, []
    for _ in range(rounds):
        masks = concept_masks(masked, clip, concepts, profiling, masking, use_cache=False)
        found.append(fused(masks, masking.agnostic_ratio))
        masked = applied(masked, clip, found[-1], 1.0).model
    mask = replace(union_mask(found), settings={**found[0].settings, "rounds": rounds})
    return applied(model, clip, mask, strength)


def unit_mask(profile: ConceptProfile, masking: Masking) -> NeuronMask:
    """A concept's whole units."""
    mask, layers = concept_mask(profile, masking), {}
    for name, sensitivity in profile.layers.items():
        by_unit = sensitivity.dense().sum(0)
        count = max(1, round(masking.spatial_sparsity / 100 * len(by_unit)))
        layers[name] = torch.zeros(sensitivity.shape, dtype=torch.bool)
        layers[name][:, by_unit.topk(count).indices] = True
    return replace(mask, layers=layers, settings={**mask.settings, "granularity": "unit"})


def model_wide_mask(profile: ConceptProfile, masking: Masking) -> NeuronMask:
    """A concept's weights by one threshold over all layers, of the tenth that its profile keeps of
    each; ties with the threshold are left out."""
    sensitivities = {name: sensitivity.dense() for name, sensitivity in profile.layers.items()}
    everything = torch.cat([sensitivity.flatten() for sensitivity in sensitivities.values()])
    count = round(masking.spatial_sparsity / 100 * len(everything))
    threshold = everything.topk(count + 1).values[-1]
    layers = {name: sensitivity > threshold for name, sensitivity in sensitivities.items()}
    mask = concept_mask(profile, masking)
    return replace(mask, layers=layers, settings={**mask.settings, "granularity": "model"})


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
        layers[name] = _with(pruned, order[: int(pruned.sum())])
    return replace(mask, layers=layers, settings={"choice": "random", "seed": seed})


def largest(model: ModelPatcher, mask: NeuronMask) -> NeuronMask:
    """As many weights of each layer as ``mask`` holds, the largest in magnitude.

    The weights are those that the model was loaded with; patches are not counted in.
    """
    modules, layers = find_ffn2_layers(model), {}
    for name, pruned in mask.layers.items():
        weight = modules[name].weight
        chosen = weight.detach().float().cpu().abs().flatten().topk(int(pruned.sum())).indices
        layers[name] = _with(pruned, chosen)
    return replace(mask, layers=layers, settings={"choice": "magnitude"})


def _with(like: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """A bool mask of the shape of ``like`` that holds the flat indices ``chosen``."""
    mask = torch.zeros(like.numel(), dtype=torch.bool)
    mask[chosen] = True
    return mask.reshape(like.shape)
