"""Linear layers of the transformer blocks that the ablations prune in place of FFN2."""

from collections.abc import Mapping
from typing import Literal

import torch
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.model_patcher import ModelPatcher

Layers = Literal["ffn2", "ffn1", "cross-attention keys", "self-attention values"]
PLACES: Mapping[Layers, str] = {
    "ffn2": "ff.net.2",
    "ffn1": "ff.net.0.proj",
    "cross-attention keys": "attn2.to_k",
    "self-attention values": "attn1.to_v",
}
"""In the host's transformer block."""


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
