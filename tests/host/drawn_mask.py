"""Masks drawn at random."""

from typing import Any

import torch
from comfy.model_patcher import ModelPatcher


def drawn_mask(
    extension: Any, model: ModelPatcher, seed: int = 0, share: float = 0.1, concept: str = "church"
) -> Any:
    """About ``share`` of the weights of every FFN2 layer."""
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(model)
    generator = torch.Generator().manual_seed(seed)
    pruned = {
        name: torch.rand(layer.weight.shape, generator=generator) < share
        for name, layer in layers.items()
    }
    identity = extension.module("nodes.host.model.identity").model_identity(model)
    return extension.module("fia_core").NeuronMask(pruned, identity, (concept,), {}, {})
