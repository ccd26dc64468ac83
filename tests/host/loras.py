"""A LoRA for the tiny model, loaded by the host's own code from its file format."""

import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher


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
