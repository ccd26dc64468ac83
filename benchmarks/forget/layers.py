"""Layers that are pruned, and how to look at them while prompts are denoised."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...nodes.host.denoising.conditioning import RequestPrompts
from ...nodes.host.denoising.denoise import StepObserver, denoise_prompts
from ...nodes.host.denoising.request import PromptRequest
from ...nodes.host.denoising.watch import LayerWatch

LARGEST_CHUNK = 16  # prompts a denoiser call, where nothing plans the memory
Layers = Literal["ffn2", "ffn1", "cross-attention keys", "self-attention values"]
PLACES: Mapping[Layers, str] = {
    "ffn2": "ff.net.2",
    "ffn1": "ff.net.0.proj",
    "cross-attention keys": "attn2.to_k",
    "self-attention values": "attn1.to_v",
}
"""In the host's transformer block; the ablations prune others than FFN2."""


def find_layers(model: ModelPatcher, layers: Layers) -> dict[str, torch.nn.Linear]:
    """The layers of one kind, by the name that the weight has in the model's state dict.

    Raises:
        ValueError: the model has no transformer blocks.
    """
    place = PLACES[layers]
    found: dict[str, torch.nn.Linear] = {}
    denoiser = model.get_model_object("diffusion_model")
    for name, module in denoiser.named_modules():
        if isinstance(module, BasicTransformerBlock):
            layer = module.get_submodule(place)
            if isinstance(layer, torch.nn.Linear):
                found[f"diffusion_model.{name}.{place}"] = layer
    if not found:
        raise ValueError(f"model: has no {layers}. Use a Stable Diffusion 1.x, 2.x or XL model.")
    return found


def watch(
    model: ModelPatcher,
    clip: CLIP,
    request: PromptRequest,
    capture: LayerWatch,
    finish_step: Callable[[], None],
) -> None:
    """Denoise the base prompts and every concept's, as Profile Concept does.

    Args:
        capture: is attached meanwhile.
        finish_step: called after each step.
    """
    prompts = RequestPrompts(clip, request)
    with capture.attached():
        denoise_prompts(
            model.clone(),  # it gets wrappers
            prompts.by_concept(request.concepts),
            request.chunk or LARGEST_CHUNK,
            StepObserver(capture.prompts, capture.forward, finish_step),
        )
