"""The denoisers of the recipes, built of the host's classes, ready to be trained."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from comfy.ldm.aura.mmdit import MMDiT
from comfy.ldm.lumina.model import NextDiT
from comfy.ops import disable_weight_init
from torch import Tensor, nn

from demo_model.architecture import FLOW_SHIFT, TEXT_TOKENS

from .denoiser import Denoiser, build_unet
from .host import reset_parameters
from .recipes import Recipe
from .text import CaptionEncoder


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


def build_lumina2(sizes: dict[str, Any]) -> Any:
    """The host's NextDiT; modulation and the last layer at zero: blocks begin as nothing."""
    network: Any = NextDiT(**sizes, dtype=torch.float32, operations=disable_weight_init)
    reset_parameters(network)
    for name, parameter in network.named_parameters():
        if "adaLN_modulation" in name or name.startswith("final_layer.linear"):
            nn.init.zeros_(parameter)
        elif "norm" in name or name.startswith("cap_embedder.0"):
            nn.init.ones_(parameter)
    return network


def noise_level(time: Tensor) -> Tensor:
    """The share of noise at times between 0, the picture, and 1."""
    return FLOW_SHIFT * time / (1 + (FLOW_SHIFT - 1) * time)


class FlowDenoiser(Denoiser):
    """A network that answers with the velocity noise − latent between both, as AuraFlow's and
    Lumina 2's do."""

    def losses(self, latents: Tensor, steps: Tensor, noise: Tensor, captions: list[str]) -> Tensor:
        """Squared error of the velocity a sample; ``steps`` are 0 … 999."""
        level = noise_level((steps.float() + 1) / 1000)
        noisy = torch.lerp(latents, noise, level[:, None, None, None])
        error = self.answer(noisy, level, captions) - (noise - latents)
        return error.square().mean((1, 2, 3))


class Network(NamedTuple):
    """How a network is built from its sizes, what it learns to answer, and what more it is called
    with."""

    build: Callable[[dict[str, Any]], Any]
    denoiser: type[Denoiser]
    options: Mapping[str, object] = MappingProxyType({})


NETWORKS = {
    "unet": Network(build_unet, Denoiser),
    "auraflow": Network(build_auraflow, FlowDenoiser),
    "lumina2": Network(build_lumina2, FlowDenoiser, {"num_tokens": TEXT_TOKENS}),
}


def build(recipe: Recipe) -> Denoiser:
    """The recipe's denoiser with its text encoder, at the start of training."""
    text = CaptionEncoder(recipe.text)
    network = NETWORKS[recipe.network]
    return network.denoiser(network.build(recipe.sizes), text, **network.options)
