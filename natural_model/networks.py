"""The denoisers of the recipes, built of the host's classes, ready to be trained."""

from typing import Any

import torch
from architecture import DENOISER, FLOW_SHIFT, LATENT_CHANNELS, TEXT_ENCODER
from comfy.ldm.aura.mmdit import MMDiT
from comfy.ops import disable_weight_init
from denoiser import Denoiser, build_unet
from host import reset_parameters
from names import WORLDS
from recipes import Recipe
from text import CaptionEncoder
from torch import Tensor, nn
from vocabulary import OBJECTS

NAMES = {world: tuple(names) for world, names in WORLDS.items()} | {"bundled": tuple(OBJECTS)}
"""The things that captions name, of every world that a denoiser can learn."""


def unet_sizes(recipe: Recipe) -> dict[str, Any]:
    """Parameters of ``UNetModel``."""
    levels = len(recipe.channels)
    return DENOISER | {
        "num_res_blocks": [1] * levels,
        "channel_mult": list(recipe.channels),
        "transformer_depth": list(recipe.depths),
        "transformer_depth_output": [depth for depth in recipe.depths for _ in range(2)],
        "transformer_depth_middle": recipe.depths[-1],
        "context_dim": recipe.text_width,
    }


def auraflow_sizes(recipe: Recipe) -> dict[str, Any]:
    """Parameters of ``MMDiT``: 64 tokens of 2 × 2 latent positions, 14.4 M weights."""
    return {
        "in_channels": LATENT_CHANNELS,
        "out_channels": LATENT_CHANNELS,
        "patch_size": 2,
        "dim": 256,
        "n_layers": 8,
        "n_double_layers": 7,
        "n_heads": 4,
        "global_conddim": 64,
        "cond_seq_dim": recipe.text_width,
        "max_seq": 64,
    }


def text_sizes(recipe: Recipe) -> dict[str, Any]:
    """Parameters of ``CLIPTextModel``."""
    width = recipe.text_width
    return TEXT_ENCODER | {"hidden_size": width, "intermediate_size": 4 * width}


def build_auraflow(sizes: dict[str, Any]) -> Any:
    """The host's MMDiT; modulation and the last layer at zero, so that blocks begin as nothing."""
    network: Any = MMDiT(**sizes, dtype=torch.float32, operations=disable_weight_init)
    reset_parameters(network)
    for name, parameter in network.named_parameters():
        if ".mod" in name or name.startswith(("modF", "final_linear")):
            nn.init.zeros_(parameter)
    nn.init.normal_(network.positional_encoding, std=0.1)
    nn.init.normal_(network.register_tokens, std=0.02)
    return network


class FlowDenoiser(Denoiser):
    """A network that answers with the velocity noise − latent between both, as AuraFlow's does."""

    def losses(self, latents: Tensor, steps: Tensor, noise: Tensor, captions: list[str]) -> Tensor:
        """Squared error of the velocity a sample; ``steps`` are 0 … 999."""
        level = (steps.float() + 1) / 1000
        level = FLOW_SHIFT * level / (1 + (FLOW_SHIFT - 1) * level)
        noisy = torch.lerp(latents, noise, level[:, None, None, None])
        error = self.answer(noisy, level, captions) - (noise - latents)
        return error.square().mean((1, 2, 3))


def build(recipe: Recipe) -> Denoiser:
    """The recipe's denoiser with its text encoder, at the start of training."""
    text = CaptionEncoder(NAMES[recipe.world], text_sizes(recipe))
    text.requires_grad_(recipe.text_trained)
    if recipe.network == "auraflow":
        return FlowDenoiser(build_auraflow(auraflow_sizes(recipe)), text)
    return Denoiser(build_unet(unet_sizes(recipe)), text)
