"""Eq. 1-3 the plain way: the host's own sampling, one prompt at a time, with nothing of ours."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import comfy.sample
import torch
from readable import contrastive_saliency, unified_saliency

NEWER = "downscale_ratio_spacial" in signature(comfy.sample.fix_empty_latent_channels).parameters
PIXELS = [8] if NEWER else []
"""A latent, as the host's Empty Latent Image tells: newer hosts resize it for the model."""


def plain_sensitivities(core: Any, model: Any, clip: Any, profile: Any) -> dict[str, torch.Tensor]:
    """Eq. 1-3 of a profile's prompts. Only Eq. 3 is the core's function."""
    settings = profile.settings
    states: dict[tuple[str, int], list[torch.Tensor]] = {}

    def sample(prompt: str) -> dict[tuple[str, int], torch.Tensor]:
        saliency: dict[tuple[str, int], torch.Tensor] = {}
        parts: list[int] = []
        step = -1

        def watch(apply_model: Callable[..., Any], call: Any) -> torch.Tensor:
            nonlocal step
            step += 0 in call["cond_or_uncond"]
            parts[:] = call["cond_or_uncond"]
            return apply_model(call["input"], call["timestep"], **call["c"])

        def keep(name: str) -> Callable[..., None]:
            def hook(layer: torch.nn.Linear, args: tuple[torch.Tensor], output: Any) -> None:
                if 0 in parts:
                    x = args[0].chunk(len(parts))[parts.index(0)].flatten(0, -2)
                    saliency[name, step] = unified_saliency(layer.weight, x)

            return hook

        watched = model.clone()
        watched.set_model_unet_function_wrapper(watch)
        handles = [
            watched.get_model_object(name).register_forward_hook(keep(name))
            for name in profile.layers
        ]
        latent = comfy.sample.fix_empty_latent_channels(
            model, torch.zeros(1, 4, settings["height"] // 8, settings["width"] // 8), *PIXELS
        )
        comfy.sample.sample(
            watched,
            comfy.sample.prepare_noise(latent, settings["seed"]),
            settings["steps"],
            settings["cfg"],
            settings["sampler"],
            settings["scheduler"],
            _encode(clip, prompt),
            _encode(clip, ""),
            latent,
            last_step=settings["profile_steps"],
            disable_pbar=True,
            seed=settings["seed"],
        )
        for handle in handles:
            handle.remove()
        return saliency

    for group in (profile.base_prompts, profile.concept_prompts):
        for prompt in group:
            for key, value in sample(prompt).items():
                states.setdefault(key, []).append(value)
    count = len(profile.base_prompts)
    sensitivities = {}
    for name in profile.layers:
        sensitivity = core.SensitivityAccumulator(
            settings["temporal_sparsity"], states[name, 0][0].shape
        )
        for step in range(settings["profile_steps"]):
            stack = torch.stack(states[name, step])
            sensitivity.add(contrastive_saliency(concept=stack[count:], base=stack[:count]))
        sensitivities[name] = sensitivity.result()
    return sensitivities


def _encode(clip: Any, text: str) -> list[Any]:
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))
