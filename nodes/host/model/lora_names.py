"""What LoRA files call the weights of a denoiser."""

from comfy.lora import model_lora_keys_unet
from comfy.model_base import SDXL, SDXLRefiner
from comfy.model_patcher import ModelPatcher

_PREFIX = "lora_unet_"


def lora_names(model: ModelPatcher) -> dict[str, str]:
    """The name in LoRA files of each weight of the denoiser, by the weight's own name.

    Of the names that the host reads it is the one that sd-scripts writes: diffusers' for a UNet,
    the original for SDXL and for all that is no UNet.
    """
    names: dict[str, str] = {}
    original_first = isinstance(model.model, (SDXL, SDXLRefiner))
    for name, key in model_lora_keys_unet(model.model, {}).items():
        # the host gives the original names, then diffusers'
        if name.startswith(_PREFIX) and not (original_first and key in names):
            names[key] = name
    return names
