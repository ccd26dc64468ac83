"""Stable Diffusion 1.5 and XL of the host's own classes at their true size, with random weights."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import comfy.model_management
import comfy.sd
import torch
from comfy import supported_models
from comfy.model_patcher import ModelPatcher
from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer
from comfy.sdxl_clip import SDXLClipModel, SDXLTokenizer
from comfy.supported_models_base import ClipTarget

SHARED = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "use_spatial_transformer": True,
    "use_checkpoint": False,
    "legacy": False,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
}
SD15 = {
    **SHARED,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    "use_linear_in_transformer": False,
    "context_dim": 768,
    "adm_in_channels": None,
}
SDXL = {
    **SHARED,
    "num_res_blocks": [2, 2, 2],
    "channel_mult": [1, 2, 4],
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_middle": 10,
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "use_linear_in_transformer": True,
    "context_dim": 2048,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
}
ENCODER_BLOCKS = {"num_hidden_layers": 3}  # of 12 and 32: prompts are encoded, not measured
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20}


@dataclass(frozen=True)
class Model:
    """A denoiser, and a text encoder of its width but only three blocks deep."""

    denoiser: ModelPatcher
    clip: comfy.sd.CLIP


@cache
def sd15(channels: int = 320) -> Model:
    """SD 1.5 in float32; with fewer ``channels`` (a multiple of 32) the same blocks, narrower."""
    config = supported_models.SD15({**SD15, "model_channels": channels, "dtype": torch.float32})
    return Model(_denoiser(config), _encoder(SD1Tokenizer, SD1ClipModel))


def sdxl() -> Model:
    """SDXL, its weights stored in float16; on a CPU the host computes in float32."""
    config = supported_models.SDXL({**SDXL, "dtype": torch.float16})
    if comfy.model_management.cpu_mode():
        config.set_inference_dtype(torch.float16, torch.float32)
    return Model(_denoiser(config), _encoder(SDXLTokenizer, SDXLClipModel))


def _denoiser(config: Any) -> ModelPatcher:
    model = config.get_model({}, device=comfy.model_management.unet_offload_device())
    randomise(model.diffusion_model, seed=0)
    return ModelPatcher(
        model,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def _encoder(tokenizer: type, model: type) -> comfy.sd.CLIP:
    clip = comfy.sd.CLIP(
        ClipTarget(tokenizer, model),
        model_options={
            "clip_l_model_config": CLIP_L | ENCODER_BLOCKS,
            "clip_g_model_config": CLIP_G | ENCODER_BLOCKS,
        },
    )
    randomise(clip.cond_stage_model, seed=1)
    return clip


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Weights that keep activations near 1, so that no step overflows; the same for one seed."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.ndim < 2:  # scales of normalisations, not 0, so that no signal is lost
            parameter.data.uniform_(0, 1, generator=generator)
        else:
            largest = (3 / parameter[0].numel()) ** 0.5
            parameter.data.uniform_(-largest, largest, generator=generator)
