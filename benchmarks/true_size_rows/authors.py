"""The procedure of the authors' published code, written out as a baseline.

One prompt at a time through all steps of the schedule, base prompts again for each concept, the
saliency of every profiled step kept. The equations are this project's own functions, so that the
masks can be compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from ...fia_core import (
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    alignments,
    concept_sensitive_mask,
    unit_columns,
)
from ...nodes.host.model.layers import find_ffn2_layers
from ...nodes.host.profiling.request import ProfileRequest
from .models import Model
from .sampling import SPATIAL_SPARSITY, sample

Masks = dict[str, torch.Tensor]
"""Layer → bool (C_out, C_in)."""


def authors_masks(model: Model, request: ProfileRequest) -> list[Masks]:
    """Each concept's mask, in order."""
    masks = []
    for concept in request.concepts:
        mean = _over_prompts(model, request, request.concept_prompts(concept), RunningMean)
        base = _over_prompts(model, request, request.base_prompts(), RunningMoments)
        masks.append({})
        for name in base:
            shape = tuple(mean[name][0].mean.shape)
            sensitivity = SensitivityAccumulator(request.temporal_sparsity, shape)
            for of_concept, of_base in zip(mean[name], base[name], strict=True):
                spread = of_base.mean + of_base.std
                sensitivity.add((of_concept.mean - spread).clamp_min(0))
            masks[-1][name] = concept_sensitive_mask(sensitivity.result(), SPATIAL_SPARSITY)
    return masks


def _over_prompts(
    model: Model, request: ProfileRequest, prompts: Sequence[str], kind: type[Any]
) -> dict[str, list[Any]]:
    """Eq. 1 over ``prompts``, by layer, for every profiled step: its mean or its moments."""
    layers = find_ffn2_layers(model.denoiser)
    steps = request.sampling.profile_steps
    found = {
        name: [kind(tuple(layer.weight.shape)) for _ in range(steps)]
        for name, layer in layers.items()
    }
    parts: list[int] = []
    step = -1

    def watch(apply_model: Callable[..., Any], call: Any) -> torch.Tensor:
        nonlocal step
        step += 0 in call["cond_or_uncond"]
        parts[:] = call["cond_or_uncond"]
        return apply_model(call["input"], call["timestep"], **call["c"])

    def keep(name: str) -> Callable[..., None]:
        def hook(layer: torch.nn.Linear, args: tuple[torch.Tensor], output: Any) -> None:
            if step < steps and 0 in parts:
                place, halves = parts.index(0), len(parts)
                x, y = args[0].chunk(halves)[place][0], output.chunk(halves)[place][0]
                y = y if layer.bias is None else y - layer.bias
                unit, _ = unit_columns(y[None], torch.float32)
                values = alignments(x[None], unit, "exact")[0]
                found[name][step].add(layer.weight.float() * values.mT)

        return hook

    watched = model.denoiser.clone()
    watched.set_model_unet_function_wrapper(watch)
    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    try:
        for prompt in prompts:
            step = -1
            alone = replace(request, chunk=1)
            sample(model, [prompt], alone, request.sampling.steps, watched)
    finally:
        for handle in handles:
            handle.remove()
    return found
