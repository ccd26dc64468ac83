"""A random mask for any model, and a LoRA for the tiny one, loaded by the host from its format."""

from typing import Any

import comfy.sd
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


def lora_file() -> dict[str, torch.Tensor]:
    """What a LoRA's file holds, for one FFN2 weight."""
    generator = torch.Generator().manual_seed(5)
    name = "lora_unet_input_blocks_1_1_transformer_blocks_0_ff_net_2"
    return {
        f"{name}.lora_up.weight": torch.randn(32, 2, generator=generator),
        f"{name}.lora_down.weight": torch.randn(2, 128, generator=generator),
        f"{name}.alpha": torch.tensor(2.0),
    }


def with_lora(model: ModelPatcher, strength: float = 1.0) -> ModelPatcher:
    """A clone of ``model`` with a LoRA on one FFN2 weight."""
    changed, _ = comfy.sd.load_lora_for_models(model, None, lora_file(), strength, 0.0)
    assert changed is not None and changed.patches_uuid != model.patches_uuid
    return changed
