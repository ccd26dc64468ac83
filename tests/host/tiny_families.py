"""Diffusion transformers of the host's own classes, random and small enough for a test."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import comfy.latent_formats
import comfy.ldm.chroma.model
import comfy.ldm.flux.model
import comfy.model_management
import comfy.sd
import torch
from comfy import supported_models
from comfy.model_patcher import ModelPatcher
from comfy.sd1_clip import SDClipModel
from comfy.supported_models_base import BASE, ClipTarget
from comfy.text_encoders import aura_t5, flux, pixart_t5, qwen_image, sd3_clip, z_image
from comfy.text_encoders.llama import Qwen25_3B
from tiny_model import TEXT_ENCODER, TEXT_WIDTH, randomise

SD3_TEXT_WIDTH = 4096  # to which the host pads CLIP's tokens
Z_IMAGE_WIDTH = 256  # of its timesteps, whatever the model's size
T5 = {"d_model": TEXT_WIDTH, "d_ff": 64, "d_kv": 16, "num_heads": 2, "num_layers": 2}
LANGUAGE_MODEL = {
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_hidden_layers": 3,
}
SMALL = {
    "clip_l_model_config": TEXT_ENCODER,
    "clip_g_model_config": TEXT_ENCODER,
    "t5xxl_model_config": T5,
    "pile_t5xl_model_config": T5,
    "qwen25_7b_model_config": LANGUAGE_MODEL,
    "qwen3_4b_model_config": LANGUAGE_MODEL,
    "qwen3_8b_model_config": {**LANGUAGE_MODEL, "num_hidden_layers": 28},  # Klein reads the 27th
}
FLUX_BLOCKS = {
    "in_channels": 16,
    "out_channels": 16,
    "context_in_dim": TEXT_WIDTH,
    "hidden_size": 64,
    "mlp_ratio": 2.0,
    "num_heads": 2,
    "depth": 2,
    "depth_single_blocks": 1,
    "axes_dim": [8, 12, 12],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
}
NEWER_SIZES = {"txt_ids_dims": [], "vec_in_dim": None, "meanflow_sum": False}
LUMINA = {
    "patch_size": 2,
    "in_channels": 16,
    "dim": Z_IMAGE_WIDTH,
    "n_layers": 2,
    "n_refiner_layers": 1,
    "n_heads": 4,
    "multiple_of": 32,
    "ffn_dim_multiplier": 1.0,
    "qk_norm": True,
    "cap_feat_dim": TEXT_WIDTH,
    "axes_dims": [16, 24, 24],
    "axes_lens": [64, 32, 32],
}


def sizes_for(description: type, **sizes: Any) -> dict[str, Any]:
    """``sizes``, and those beside them that this host's description of a denoiser asks for."""
    asked = {field.name for field in fields(description)}
    return {name: size for name, size in NEWER_SIZES.items() if name in asked} | sizes


def text_only_qwen(**settings: Any) -> SDClipModel:
    """Qwen-Image's text encoder without its eyes, which are large and see nothing here."""
    language_model: Any = Qwen25_3B
    return SDClipModel(
        textmodel_json_config={},
        special_tokens={"pad": 151643},
        layer_norm_hidden_state=False,
        model_class=language_model,
        enable_attention_masks=True,
        return_attention_masks=True,
        **settings,
    )


@dataclass(frozen=True)
class Family:
    """A family of models, and what must be found in the tiny one.

    Attributes:
        config: the host's description of the family.
        unet: sizes of the denoiser.
        tokenizer, text_encoder: the host's.
        layers: names of all FFN2 layers, below "diffusion_model.".
        cfg: guidance scale that such models are used with.
        side: of a picture in pixels; PixArt's places need more than a few.
    """

    config: type[BASE]
    unet: dict[str, Any]
    tokenizer: type
    text_encoder: Callable[..., Any]
    layers: frozenset[str]
    cfg: float = 4.0
    side: int = 64

    def description(self, dtype: torch.dtype = torch.float32) -> BASE:
        """The host's description of the family, of these sizes."""
        sizes = {**self.unet, "dtype": dtype}
        config = self.config(sizes)
        config.unet_config |= sizes  # some sizes are the family's own
        return config

    def denoiser(self, dtype: torch.dtype = torch.float32) -> ModelPatcher:
        """A patcher of the family's model with random weights, the same every time."""
        config = self.description(dtype)
        if dtype.itemsize == 1:
            config.set_inference_dtype(dtype, torch.float32)
        model = config.get_model({}, device=comfy.model_management.unet_offload_device())
        randomise(model.diffusion_model, seed=0)
        for buffer in model.diffusion_model.buffers():
            buffer.zero_()  # the host leaves places of SD3 as memory happened to be
        return ModelPatcher(
            model,
            load_device=comfy.model_management.get_torch_device(),
            offload_device=comfy.model_management.unet_offload_device(),
        )

    def clip(self) -> comfy.sd.CLIP:
        """The family's text encoder, narrow, with random weights."""
        clip = comfy.sd.CLIP(
            ClipTarget(self.tokenizer, self.text_encoder),
            model_options={**SMALL, "qwen25_7b_class": text_only_qwen},
        )
        randomise(clip.cond_stage_model, seed=1)
        return clip


FAMILIES = {
    "SD3": Family(
        supported_models.SD3,
        {
            "in_channels": 16,
            "pos_embed_scaling_factor": None,
            "patch_size": 2,
            "depth": 1,  # heads; the width is 64 times as much
            "num_blocks": 2,
            "num_patches": 64 * 64,
            "pos_embed_max_size": 64,
            "adm_in_channels": 2 * TEXT_WIDTH,
            "qk_norm": "rms",
            "x_block_self_attn_layers": [0],
            "context_embedder_config": {
                "target": "torch.nn.Linear",
                "params": {"in_features": SD3_TEXT_WIDTH, "out_features": 64},
            },
        },
        sd3_clip.SD3Tokenizer,
        sd3_clip.sd3_clip(t5=False),
        frozenset(
            {
                "joint_blocks.0.context_block.mlp.fc2",
                "joint_blocks.0.x_block.mlp.fc2",
                "joint_blocks.1.x_block.mlp.fc2",  # the last one's text goes nowhere
            }
        ),
    ),
    "Flux": Family(
        supported_models.Flux,
        sizes_for(
            comfy.ldm.flux.model.FluxParams,
            **FLUX_BLOCKS,
            vec_in_dim=TEXT_WIDTH,
            guidance_embed=True,
        ),
        flux.FluxTokenizer,
        flux.flux_clip(),
        frozenset(f"double_blocks.{i}.{stream}_mlp.2" for i in (0, 1) for stream in ("img", "txt")),
        cfg=1.0,
    ),
    "Chroma": Family(
        supported_models.Chroma,
        sizes_for(
            comfy.ldm.chroma.model.ChromaParams,
            **{**FLUX_BLOCKS, "in_channels": 64, "out_channels": 64},
            in_dim=64,
            out_dim=64,
            hidden_dim=64,
            n_layers=1,
        ),
        pixart_t5.PixArtTokenizer,
        pixart_t5.pixart_te(),
        frozenset(f"double_blocks.{i}.{stream}_mlp.2" for i in (0, 1) for stream in ("img", "txt")),
    ),
    "PixArt": Family(
        supported_models.PixArtSigma,
        {
            "in_channels": 4,
            "hidden_size": 48,
            "depth": 2,
            "num_heads": 2,
            "caption_channels": TEXT_WIDTH,
            "model_max_length": 300,
            "micro_condition": False,
        },
        pixart_t5.PixArtTokenizer,
        pixart_t5.pixart_te(),
        frozenset({"blocks.0.mlp.fc2", "blocks.1.mlp.fc2"}),
        side=320,
    ),
    "Lumina 2": Family(
        supported_models.Lumina2,
        LUMINA,
        z_image.ZImageTokenizer,  # Lumina's own comes with its checkpoint
        z_image.te(),
        frozenset({"layers.0.feed_forward.w2", "layers.1.feed_forward.w2"}),
    ),
    "Z-Image": Family(
        supported_models.ZImage,
        {**LUMINA, "z_image_modulation": True, "time_scale": 1000.0, "pad_tokens_multiple": 32},
        z_image.ZImageTokenizer,
        z_image.te(),
        frozenset({"layers.0.feed_forward.w2", "layers.1.feed_forward.w2"}),
        cfg=1.0,
    ),
    "Qwen-Image": Family(
        supported_models.QwenImage,
        {
            "in_channels": 64,
            "out_channels": 16,
            "num_layers": 2,
            "attention_head_dim": 32,
            "num_attention_heads": 2,
            "joint_attention_dim": TEXT_WIDTH,
            "axes_dims_rope": (8, 12, 12),
        },
        qwen_image.QwenImageTokenizer,
        qwen_image.te(),
        frozenset(
            f"transformer_blocks.{i}.{stream}_mlp.net.2"
            for i in (0, 1)
            for stream in ("img", "txt")
        ),
    ),
    "AuraFlow": Family(
        supported_models.AuraFlow,
        {
            "cond_seq_dim": TEXT_WIDTH,
            "dim": 64,
            "n_layers": 2,
            "n_double_layers": 1,
            "n_heads": 2,
            "global_conddim": 64,
            "max_seq": 64,
        },
        aura_t5.AuraT5Tokenizer,
        aura_t5.AuraT5Model,
        frozenset(
            {
                "double_layers.0.mlpC.c_proj",
                "double_layers.0.mlpX.c_proj",
                "single_layers.0.mlp.c_proj",
            }
        ),
    ),
}

TELLS_SIZE = hasattr(comfy.latent_formats.LatentFormat, "spacial_downscale_ratio")
"""Whether the host tells how many pixels a latent is wide."""

if TELLS_SIZE:
    klein: Any = flux  # 0.3.75's has no Klein
    FAMILIES["Flux.2"] = Family(  # which has no guidance of its own
        supported_models.Flux2,
        {
            **FAMILIES["Flux"].unet,
            "in_channels": 128,
            "out_channels": 128,
            "patch_size": 1,
            "vec_in_dim": None,
            "context_in_dim": 3 * TEXT_WIDTH,
            "guidance_embed": False,
            "axes_dim": [8, 8, 8, 8],
            "theta": 2000,
            "txt_ids_dims": [3],
            "global_modulation": True,
            "mlp_silu_act": True,
            "qkv_bias": False,
            "ops_bias": False,
            "default_ref_method": "index",
            "ref_index_scale": 10.0,
        },
        klein.KleinTokenizer8B,
        klein.klein_te(model_type="qwen3_8b"),
        FAMILIES["Flux"].layers,
    )

if any(one.name == "yak_mlp" for one in fields(comfy.ldm.flux.model.FluxParams)):
    FAMILIES["Ovis-Image"] = replace(  # the host's Flux with another feed-forward part
        FAMILIES["Flux"],
        unet={**FAMILIES["Flux"].unet, "yak_mlp": True},
        layers=frozenset(
            name.replace("_mlp.2", "_mlp.down_proj") for name in FAMILIES["Flux"].layers
        ),
    )
