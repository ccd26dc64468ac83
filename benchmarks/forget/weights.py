"""A denoiser's weights in effect, edits of them by patches, and the layers that read the text."""

from collections.abc import Callable, Iterable, Mapping

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...nodes.host.model.layers import find_text_layers
from ...nodes.host.model.stored_weights import patched_weight, stored_weights

DENOISER = "diffusion_model."
"""The beginning of the names of a denoiser's weights in the model's state dict."""


@torch.no_grad()
def weights_in_effect(model: ModelPatcher, names: Iterable[str]) -> dict[str, Tensor]:
    """Copies of weights with every patch of ``model`` applied, float32 on its device."""
    stored = dict(stored_weights(model, DENOISER))
    return {name: patched_weight(model, name, stored[name], model.load_device) for name in names}


def with_differences(model: ModelPatcher, differences: Mapping[str, Tensor]) -> ModelPatcher:
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


def text_readers(model: ModelPatcher, values_only: bool = False) -> tuple[str, ...]:
    """Names of the weights (C_out, text width) that read the text.

    In a UNet the keys and values of cross-attention. Where text and picture mix in every block,
    the layer before the first one stands for both, as Flux's `context_embedder` does in Double
    Projections' own code.

    Args:
        model: left as it is.
        values_only: without the keys of a UNet, which say where in the picture the text goes.

    Raises:
        ValueError: a denoiser of another kind.
    """
    names = find_text_layers(model)
    return tuple(f"{name}.weight" for name in names if not (values_only and name.endswith(".to_k")))


def edited(
    model: ModelPatcher, names: tuple[str, ...], width: int, change: Callable[[Tensor], Tensor]
) -> ModelPatcher:
    """A clone whose weights are larger by ``change`` of each, in float64 on the CPU.

    Raises:
        ValueError: the text, ``width`` wide, is not what they read.
    """
    weights = weights_in_effect(model, names)
    for name, weight in weights.items():
        if weight.shape[1] != width:
            raise ValueError(
                f"clip: its tokens are {width} wide, but {name} of the model reads "
                f"{weight.shape[1]}. Connect the text encoder that belongs to the model."
            )
    return with_differences(
        model, {name: change(weight.cpu().double()).float() for name, weight in weights.items()}
    )
