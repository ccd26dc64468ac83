"""Find the second linear layer (FFN2) of every feed-forward block of a denoiser."""

import torch
from comfy.ldm.modules.attention import FeedForward
from comfy.model_patcher import ModelPatcher

from ...fia_core import LayerShapes

FFN2_POSITION = 2  # FeedForward.net is [projection in, dropout, FFN2]


def find_ffn2_layers(model: ModelPatcher) -> dict[str, torch.nn.Linear]:
    """FFN2 layers of ``model`` by the name that its weight has in the model's state dict.

    Raises:
        ValueError: if the denoiser has no attention blocks with a feed-forward network.
    """
    denoiser = model.get_model_object("diffusion_model")
    denoiser = getattr(denoiser, "_orig_mod", denoiser)  # as it was before torch.compile
    layers: dict[str, torch.nn.Linear] = {}
    for name, module in denoiser.named_modules():
        if isinstance(module, FeedForward):
            layer = module.net[FFN2_POSITION]
            if isinstance(layer, torch.nn.Linear):
                layers[f"diffusion_model.{name}.net.{FFN2_POSITION}"] = layer
    if not layers:
        raise ValueError(
            f"model: {type(denoiser).__name__} has no FFN2 layers (second linear layers of "
            "feed-forward blocks). Use a Stable Diffusion 1.x, 2.x or XL model."
        )
    return layers


def layer_shapes(layers: dict[str, torch.nn.Linear]) -> LayerShapes:
    """(C_out, C_in) of every layer."""
    return {name: (layer.out_features, layer.in_features) for name, layer in layers.items()}
