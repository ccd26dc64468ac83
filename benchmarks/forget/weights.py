"""A denoiser's weights in effect, edits of them by patches, and the layers that read the text."""

from collections.abc import Callable, Iterable, Mapping

import torch
from comfy.ldm.aura.mmdit import MMDiT
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.model_patcher import ModelPatcher
from torch import Tensor

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


def text_readers(model: ModelPatcher, method: str, values_only: bool = False) -> tuple[str, ...]:
    """Names of the weights (C_out, text width) that read the text.

    In a UNet the keys and values of cross-attention. AuraFlow mixes text and picture in every
    block, so only the layer before the first block reads the text alone; it stands for keys and
    values, as Flux's `context_embedder` does in Double Projections' own code.

    Args:
        model: left as it is.
        method: for the message.
        values_only: without the keys of a UNet, which say where in the picture the text goes.

    Raises:
        ValueError: a denoiser of another kind.
    """
    denoiser = model.get_model_object("diffusion_model")
    if isinstance(denoiser, MMDiT):
        return (f"{DENOISER}cond_seq_linear.weight",)
    ends = (".to_v.weight",) if values_only else (".to_k.weight", ".to_v.weight")
    names = [
        f"{DENOISER}{block}.attn2.{name}"
        for block, module in denoiser.named_modules()
        if isinstance(module, BasicTransformerBlock) and module.attn2 is not None
        for name, _ in module.attn2.named_parameters()
        if f".{name}".endswith(ends)
    ]
    if not names:
        raise ValueError(
            f"model: {method} knows no layer of {type(denoiser).__name__} that reads the text "
            "alone. Use a Stable Diffusion 1.x, 2.x or XL model, or AuraFlow."
        )
    return tuple(names)


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
