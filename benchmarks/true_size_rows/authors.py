"""The procedure of the authors' published code, written out as a baseline.

One prompt at a time through all steps of the schedule, base prompts again for each concept, the
saliency of every profiled step kept. The equations are this project's own functions, so that the
masks can be compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from .host import Extension
from .models import Model
from .sampling import sample
from .settings import SPATIAL_SPARSITY

Masks = dict[str, torch.Tensor]
"""By layer, bool (C_out, C_in)."""


def authors_masks(extension: Extension, model: Model, request: Any) -> list[Masks]:
    """Each concept's mask, in order."""
    core = extension.core
    masks = []
    for concept in request.concepts:
        mean = _moments(extension, model, request, request.concept_prompts(concept))
        base = _moments(extension, model, request, request.base_prompts())
        masks.append({})
        for name in base:
            saliency = torch.stack(
                [
                    core.contrastive_saliency(of_concept.mean, of_base.mean, of_base.std)
                    for of_concept, of_base in zip(mean[name], base[name], strict=True)
                ]
            )
            sensitivity = core.time_integrated_sensitivity(saliency, request.temporal_sparsity)
            masks[-1][name] = core.concept_sensitive_mask(sensitivity, SPATIAL_SPARSITY)
    return masks


def _moments(
    extension: Extension, model: Model, request: Any, prompts: Sequence[str]
) -> dict[str, list[Any]]:
    """Mean and deviation over ``prompts`` of Eq. 1, by layer, for every profiled step."""
    core = extension.core
    layers = extension.module("nodes.host.layers").find_ffn2_layers(model.denoiser)
    steps = request.sampling.profile_steps
    moments = {
        name: [core.RunningMoments(tuple(layer.weight.shape)) for _ in range(steps)]
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
                x = args[0].chunk(len(parts))[parts.index(0)][0]
                moments[name][step].add(core.prompt_saliency(layer.weight, x))

        return hook

    watched = model.denoiser.clone()
    watched.set_model_unet_function_wrapper(watch)
    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    try:
        for prompt in prompts:
            step = -1
            alone = replace(request, chunk=1)
            sample(extension, model, [prompt], alone, request.sampling.steps, watched)
    finally:
        for handle in handles:
            handle.remove()
    return moments
