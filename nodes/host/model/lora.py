"""LoRAs of a model: what their tensors are called, and which layers they are of."""

from collections.abc import Mapping
from typing import Any

import comfy.sd
import torch
from comfy.lora import model_lora_keys_unet
from comfy.model_base import SDXL, SDXLRefiner
from comfy.model_patcher import ModelPatcher

Lora = dict[str, torch.Tensor]
"""The host's LORA_MODEL: ``lora_up``, ``lora_down`` and ``alpha`` of each layer."""


class DescribedLora(Lora):
    """One that knows what it is for.

    Attributes:
        about: what a file of it says, as a JSON object.
    """

    def __init__(self, tensors: Lora, about: Mapping[str, Any]) -> None:
        super().__init__(tensors)
        self.about = about


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


def lora_of(model: ModelPatcher, ups: Mapping[str, torch.Tensor], down: torch.Tensor) -> Lora:
    """A float16 LoRA by the names of sd-scripts, whose layers share a down projection.

    Both halves are made of one size, so that float16 holds them.

    Args:
        ups: (r, C_out) float32, by the layer's name.
        down: (r, C) float32.

    Raises:
        ValueError: a layer's part is zero or not finite.
    """
    names = lora_names(model)
    lora = {}
    for name, up in ups.items():
        key = names[f"{name}.weight"]
        even = (up.norm() / down.norm()).sqrt()
        if not (even.isfinite() and even > 0):
            raise ValueError(
                f"model: {name} computes nothing that a LoRA could change. Load the model in fp16 "
                "or bf16."
            )
        lora[f"{key}.lora_up.weight"] = (up.T / even).half().contiguous()
        lora[f"{key}.lora_down.weight"] = (down * even).half().contiguous()
        lora[f"{key}.alpha"] = torch.tensor(float(len(down))).half()
    return lora


def lora_size(lora: Lora) -> int:
    """Bytes of its tensors."""
    return sum(each.nbytes for each in lora.values())


def with_lora(model: ModelPatcher, lora: Lora, strength: float) -> ModelPatcher:
    """A clone of ``model`` with a LoRA, as the host's Load LoRA Model makes it."""
    changed: Any = comfy.sd.load_lora_for_models(model, None, lora, strength, 0.0)[0]
    return changed


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
    parts = {}
    try:
        for key in {name.partition(".")[0] for name in lora}:
            up, down = (lora[f"{key}.lora_{half}.weight"] for half in ("up", "down"))
            scale = float(lora[f"{key}.alpha"]) / len(down)
            parts[names[key].removesuffix(".weight")] = up * scale, down
        return parts
    except KeyError as error:
        raise ValueError(
            f"lora: it lacks {error}, or the model does. Connect a LoRA that Forget LoRA has made "
            "for this model."
        ) from error
