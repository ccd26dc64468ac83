"""Ablations that compare sensitivities: weights are weakened by how sensitive they are, or spared
where what should stay is more sensitive."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...fia_core import ConceptProfile, NeuronMask
from ...nodes.host.model.layers import find_ffn2_layers
from .erased import Erased
from .fia import applied, concept_mask, fused, profiles
from .settings import Masking, Profiling


def graded(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    profiled: ModelPatcher | None = None,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    use_cache: bool = True,
) -> Erased:
    """FIA's mask with W · (1 − strength · g), g as ``grades`` gives it.

    Args:
        model, clip, concepts, profiled: see the package.
        profiling, masking, strength, use_cache: as in the nodes; strength is that of the average
            pruned weight of a layer.
    """
    request = profiling.request(concepts)
    found = profiles(profiled or model, clip, request, use_cache)
    mask = fused([concept_mask(one, masking) for one in found], masking.agnostic_ratio)
    modules = find_ffn2_layers(model)
    patches = {
        f"{name}.weight": (-modules[name].weight.detach().float().cpu() * grade,)
        for name, grade in grades(found, mask).items()
    }
    weakened = model.clone()
    weakened.add_patches(patches, strength_patch=strength)
    return Erased(weakened, clip, mask=mask)


def spared(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    profiled: ModelPatcher | None = None,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    use_cache: bool = True,
) -> Erased:
    """FIA's mask without the weights that serve a kept name more than what is forgotten: *protect*
    spares all that a kept name's mask holds, whichever it serves more.

    Args:
        model, clip, concepts, profiled: see the package.
        kept: names whose sensitivity is compared.
        profiling, masking, strength, use_cache: as in the nodes.
    """
    forgotten, staying = (
        profiles(
            profiled or model,
            clip,
            profiling.request(names),
            use_cache,
        )
        if names
        else []
        for names in (concepts, kept)
    )
    masks = [concept_mask(one, masking) for one in forgotten]
    mask = fused(masks, masking.agnostic_ratio)
    if staying:
        layers = {
            name: pruned & (largest(forgotten, name) > largest(staying, name))
            for name, pruned in mask.layers.items()
        }
        mask = replace(mask, layers=layers, settings={**mask.settings, "spared": len(staying)})
    return applied(model, clip, mask, strength)


def largest(found: Sequence[ConceptProfile], layer: str) -> torch.Tensor:
    """The largest sensitivity that any concept has of each weight, (C_out, C_in) float32."""
    return torch.stack([one.layers[layer].dense() for one in found]).amax(0)


def grades(found: Sequence[ConceptProfile], mask: NeuronMask) -> dict[str, torch.Tensor]:
    """g of each layer that the mask prunes a part of, (C_out, C_in) float32: the largest
    sensitivity that any concept has of a pruned weight, by their average; 0 where none is."""
    layers = {}
    for name, pruned in mask.layers.items():
        if pruned.any():
            sensitivity = largest(found, name)
            layers[name] = torch.where(pruned, sensitivity / sensitivity[pruned].mean(), 0.0)
    return layers
