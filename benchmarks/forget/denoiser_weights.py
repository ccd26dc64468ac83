"""Read the weights of a denoiser's cross-attention in effect, and change them by patches."""

from collections.abc import Iterable, Mapping

import torch
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.model_patcher import ModelPatcher

from ...nodes.host.model.stored_weights import patched_weight, stored_weights

DENOISER = "diffusion_model."
"""The beginning of the names of a denoiser's weights in the model's state dict."""

Parameters = Mapping[str, torch.Tensor]
"""Weights by their name in the model's state dict."""


def cross_attention_parameters(model: ModelPatcher) -> tuple[str, ...]:
    """Every weight and bias of the cross-attention layers, by its name in the state dict.

    Raises:
        ValueError: the denoiser has no cross-attention.
    """
    denoiser = model.get_model_object("diffusion_model")
    names = [
        f"{DENOISER}{block}.attn2.{name}"
        for block, module in denoiser.named_modules()
        if isinstance(module, BasicTransformerBlock) and module.attn2 is not None
        for name, _ in module.attn2.named_parameters()
    ]
    if not names:
        raise ValueError(
            f"model: {type(denoiser).__name__} has no cross-attention layers. "
            "Use a Stable Diffusion 1.x, 2.x or XL model."
        )
    return tuple(names)


def text_projections(model: ModelPatcher) -> tuple[str, ...]:
    """The key and value weights (C_out, text width) among them: all that reads the prompt."""
    ends = (".to_k.weight", ".to_v.weight")
    return tuple(name for name in cross_attention_parameters(model) if name.endswith(ends))


@torch.no_grad()
def weights_in_effect(model: ModelPatcher, names: Iterable[str]) -> dict[str, torch.Tensor]:
    """Copies of weights with every patch of ``model`` applied, float32 on its device."""
    stored = dict(stored_weights(model, DENOISER))
    return {name: patched_weight(model, name, stored[name], model.load_device) for name in names}


def with_differences(model: ModelPatcher, differences: Mapping[str, torch.Tensor]) -> ModelPatcher:
    """A clone of ``model`` whose weights are larger by ``differences``; zeros leave no patch.

    Raises:
        ValueError: the host takes no patch for one of them.
    """
    changed = model.clone()
    patches = {name: ("diff", (added.cpu(),)) for name, added in differences.items() if added.any()}
    refused = sorted(set(patches) - set(changed.add_patches(patches)))
    if refused:
        raise ValueError(f"model: the host accepts no patch for {refused[0]}.")
    return changed
