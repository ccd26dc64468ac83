"""Sizes of the bundled model, all of them parameters of the host's own classes."""

from typing import Any

LATENT_CHANNELS = 8

AUTOENCODER: dict[str, Any] = {
    "embed_dim": LATENT_CHANNELS,
    "ddconfig": {
        "double_z": True,
        "z_channels": LATENT_CHANNELS,
        "resolution": 128,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 32,
        "ch_mult": [1, 1, 1, 4],
        "num_res_blocks": 0,
        "attn_resolutions": [],
        "dropout": 0.0,
    },
}
"""``comfy.ldm.models.autoencoder.AutoencoderKL``: factor 8, most of its weights at the lowest
resolution."""

TEXT_WIDTH = 128
TEXT_TOKENS = 24

TEXT_ENCODER: dict[str, Any] = {
    "num_hidden_layers": 2,
    "hidden_size": TEXT_WIDTH,
    "num_attention_heads": 2,
    "intermediate_size": 4 * TEXT_WIDTH,
    "hidden_act": "gelu",
    "max_position_embeddings": TEXT_TOKENS,
    "eos_token_id": 49407,
}
"""``comfy.clip_model.CLIPTextModel`` with the tokenizer of Stable Diffusion 1.x."""

DENOISER: dict[str, Any] = {
    "image_size": 16,
    "in_channels": LATENT_CHANNELS,
    "out_channels": LATENT_CHANNELS,
    "model_channels": 64,
    "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 2, 4],
    "transformer_depth": [1, 1, 1],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": TEXT_WIDTH,
    "num_heads": -1,
    "num_head_channels": 64,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": True,
    "adm_in_channels": None,
    "legacy": False,
}
"""``comfy.ldm.modules.diffusionmodules.openaimodel.UNetModel``; it predicts the clean latent
(x0)."""

FLOW_SHIFT = 1.73
"""Of the noise levels of ``comfy.ldm.aura.mmdit.MMDiT`` as a denoiser: step t of 1000 has about the
signal-to-noise ratio of Stable Diffusion's step t."""
