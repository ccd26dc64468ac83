"""LoRAs of a model: what their tensors are called, and which layers they are of."""

from collections.abc import Mapping

import torch
from comfy.lora import model_lora_keys_unet
from comfy.model_base import SDXL, SDXLRefiner
from comfy.model_patcher import ModelPatcher

Lora = dict[str, torch.Tensor]
"""The host's LORA_MODEL: ``lora_up``, ``lora_down`` and ``alpha`` of each layer."""

_LORA_PREFIX = "lora_unet_"


def lora_names(model: ModelPatcher) -> dict[str, str]:
    """The name in LoRA files of each weight of the denoiser, by the weight's own name.

    Of the names that the host reads it is the one that sd-scripts writes: diffusers' for a UNet,
    the original for SDXL and for all that is no UNet.
    """
    names: dict[str, str] = {}
    original_first = isinstance(model.model, (SDXL, SDXLRefiner))
    for name, key in model_lora_keys_unet(model.model, {}).items():
        # the host gives the original names, then diffusers'
        if name.startswith(_LORA_PREFIX) and not (original_first and key in names):
            names[key] = name
    return names


def lora_parts(
    model: ModelPatcher, lora: Mapping[str, torch.Tensor]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Up (C_out, r) and down (r, C_in) projections, by the names of layers in ``model``.

    Args:
        lora: the host's LORA_MODEL, of up and down projections of linear layers.

    Raises:
        ValueError: if the LoRA is of another kind, or of another model.
    """
    names = {key: name for name, key in lora_names(model).items()}
    keys = {name.partition(".")[0] for name in lora}
    try:
        return {
            names[key].removesuffix(".weight"): (
                lora[f"{key}.lora_up.weight"],
                lora[f"{key}.lora_down.weight"],
            )
            for key in keys
        }
    except KeyError as error:
        raise ValueError(
            f"lora: it lacks {error}, or the model does. Connect a LoRA that Forget LoRA has made "
            "for this model."
        ) from error
