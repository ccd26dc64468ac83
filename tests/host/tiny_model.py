"""A Stable Diffusion of the host's own classes, random and small enough for a test."""

from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.sd
import torch
from comfy import supported_models
from comfy.model_base import ModelType
from comfy.model_patcher import ModelPatcher
from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer
from comfy.sdxl_clip import SDXLClipModel, SDXLTokenizer
from comfy.supported_models_base import BASE, ClipTarget
from comfy.text_encoders.sd2_clip import SD2ClipModel, SD2Tokenizer

TEXT_WIDTH = 32
SDXL_SIZE_CHANNELS = 6 * 256  # six numbers of size and crop, each in 256 channels
UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "channel_mult": [1, 2],
    "num_res_blocks": [1, 1],
    "transformer_depth": [1, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [1, 1, 1, 1],
    "context_dim": TEXT_WIDTH,
    "num_heads": 2,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "use_checkpoint": False,
    "legacy": False,
    "adm_in_channels": None,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
    "dtype": torch.float32,
}
TEXT_ENCODER = {
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
}
AUTOENCODER = {
    "double_z": True,
    "z_channels": 4,
    "resolution": 64,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 32,
    "ch_mult": [1, 1, 1, 1],
    "num_res_blocks": 1,
    "attn_resolutions": [],
    "dropout": 0.0,
}
LOADABLE_AUTOENCODER = {
    **AUTOENCODER,
    "resolution": 256,
    "ch": 128,
    "ch_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
}


class VelocitySD15(supported_models.SD15):
    """One that predicts the velocity, which only its training tells."""

    def model_type(self, state_dict: dict[str, Any], prefix: str = "") -> ModelType:
        return ModelType.V_PREDICTION


class VelocitySD20(supported_models.SD20):
    """As SD 2.1's checkpoints are."""

    def model_type(self, state_dict: dict[str, Any], prefix: str = "") -> ModelType:
        return ModelType.V_PREDICTION


def tiny_description(
    dtype: torch.dtype = torch.float32, family: type[BASE] = supported_models.SD15, **unet: Any
) -> BASE:
    """The host's description of an SD UNet of tiny sizes."""
    config = family({**UNET, "dtype": dtype, **unet})
    config.unet_config |= {"num_heads": 2, "num_head_channels": -1}  # narrower than the family's
    return config


def tiny_denoiser(
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    family: type[BASE] = supported_models.SD15,
    **unet: Any,
) -> ModelPatcher:
    """A patcher of an SD UNet with random weights; the same seed gives the same weights."""
    config = tiny_description(dtype, family, **unet)
    model = config.get_model({}, device=comfy.model_management.unet_offload_device())
    randomise(model.diffusion_model, seed)
    return ModelPatcher(
        model,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def tiny_sdxl_denoiser() -> ModelPatcher:
    """Likewise for SDXL, which is also told the pooled prompt and the picture's size."""
    return tiny_denoiser(
        family=supported_models.SDXL,
        context_dim=2 * TEXT_WIDTH,
        num_classes="sequential",
        adm_in_channels=TEXT_WIDTH + SDXL_SIZE_CHANNELS,
    )


def tiny_sd2_denoiser() -> ModelPatcher:
    """Likewise for SD 2.1, which predicts the velocity and has linear projections."""

    return tiny_denoiser(family=VelocitySD20, use_linear_in_transformer=True)


def tiny_text_encoder(model: type = SD1ClipModel, tokenizer: type = SD1Tokenizer) -> comfy.sd.CLIP:
    """The host's text encoder and tokenizer of a family, narrow, with random weights."""
    clip = comfy.sd.CLIP(
        ClipTarget(tokenizer, model),
        model_options={
            "clip_l_model_config": TEXT_ENCODER,
            "clip_g_model_config": TEXT_ENCODER,
            "clip_h_model_config": TEXT_ENCODER,
        },
    )
    randomise(clip.cond_stage_model, seed=1)
    return clip


def tiny_autoencoder() -> comfy.sd.VAE:
    """The host's autoencoder, narrow, with random weights."""
    from comfy.ldm.models.autoencoder import AutoencoderKL

    model = AutoencoderKL(ddconfig=AUTOENCODER, embed_dim=4)
    randomise(model, seed=2)
    return comfy.sd.VAE(
        model.state_dict(), config={"params": {"ddconfig": AUTOENCODER, "embed_dim": 4}}
    )


@dataclass(frozen=True)
class TinyModel:
    """What a checkpoint loader gives."""

    model: ModelPatcher
    clip: comfy.sd.CLIP
    vae: comfy.sd.VAE


def tiny_sd() -> TinyModel:
    """A tiny Stable Diffusion 1.x."""
    return TinyModel(tiny_denoiser(), tiny_text_encoder(), tiny_autoencoder())


def tiny_sd2() -> TinyModel:
    """A tiny Stable Diffusion 2.1."""
    clip = tiny_text_encoder(SD2ClipModel, SD2Tokenizer)
    return TinyModel(tiny_sd2_denoiser(), clip, tiny_autoencoder())


def tiny_sdxl() -> TinyModel:
    """A tiny Stable Diffusion XL."""
    clip = tiny_text_encoder(SDXLClipModel, SDXLTokenizer)
    return TinyModel(tiny_sdxl_denoiser(), clip, tiny_autoencoder())


def loadable_sd15() -> TinyModel:
    """A Stable Diffusion 1.5 whose file the host's checkpoint loader takes for one.

    The denoiser is shallow; text encoder and autoencoder have the sizes that the loader expects.
    """
    from comfy.ldm.models.autoencoder import AutoencoderKL

    sizes = {"model_channels": 320, "context_dim": 768}
    denoiser = supported_models.SD15({**UNET, **sizes}).get_model(
        {}, device=comfy.model_management.unet_offload_device()
    )
    randomise(denoiser.diffusion_model, seed=0)
    clip = comfy.sd.CLIP(ClipTarget(SD1Tokenizer, SD1ClipModel))
    randomise(clip.cond_stage_model, seed=1)
    autoencoder = AutoencoderKL(ddconfig=LOADABLE_AUTOENCODER, embed_dim=4)
    randomise(autoencoder, seed=2)
    device = comfy.model_management.get_torch_device()
    return TinyModel(
        ModelPatcher(denoiser, device, torch.device("cpu")),
        clip,
        comfy.sd.VAE(sd=autoencoder.state_dict()),
    )


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Weights of about the size that keeps activations near 1; the host's classes set none."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 16
        noise = torch.randn(parameter.shape, generator=generator) / inputs**0.5
        if parameter.ndim == 1:
            noise += 0.5  # scales of normalisations, so that no signal is lost
        parameter.data = noise.to(parameter.dtype)


def compiled(model: ModelPatcher) -> ModelPatcher:
    """A clone with one block that is compiled."""
    from comfy_api.torch_helpers import set_torch_compile_wrapper

    clone = model.clone()
    block = "diffusion_model.middle_block.1.transformer_blocks.0"
    set_torch_compile_wrapper(clone, backend="eager", keys=[block])
    return clone
