"""The layers of a denoiser that read the text, and edits of them."""

from collections.abc import Callable

from comfy.ldm.aura.mmdit import MMDiT
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from .denoiser_weights import (
    DENOISER,
    text_projections,
    weights_in_effect,
    with_differences,
)


def value_readers(model: ModelPatcher, method: str) -> tuple[str, ...]:
    """Names of weights (C_out, text width) that bring the text's content into the picture.

    In a UNet the value projections of cross-attention. AuraFlow mixes text and picture in every
    block, so only the layer before the first block reads the text alone; it stands for keys and
    values, as Flux's does in OCE's and Double Projections' own code (`context_embedder`).

    Raises:
        ValueError: a denoiser of another kind; the message names the method.
    """
    names = key_and_value_readers(model, method)
    return tuple(name for name in names if not name.endswith(".to_k.weight"))


def key_and_value_readers(model: ModelPatcher, method: str) -> tuple[str, ...]:
    """Those that say where it goes, too: in a UNet the key projections.

    Raises:
        ValueError: as ``value_readers``.
    """
    denoiser = model.get_model_object("diffusion_model")
    if isinstance(denoiser, MMDiT):
        return (f"{DENOISER}cond_seq_linear.weight",)
    if not any(isinstance(module, BasicTransformerBlock) for module in denoiser.modules()):
        raise ValueError(
            f"model: {method} knows no layer of {type(denoiser).__name__} that reads the text "
            "alone. Use a Stable Diffusion 1.x, 2.x or XL model, or AuraFlow."
        )
    return text_projections(model)


def weights_of(model: ModelPatcher, names: tuple[str, ...], width: int) -> dict[str, Tensor]:
    """The weights in effect, float64 on the CPU.

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
    return {name: weight.cpu().double() for name, weight in weights.items()}


def edited(
    model: ModelPatcher, names: tuple[str, ...], width: int, change: Callable[[Tensor], Tensor]
) -> ModelPatcher:
    """A clone whose weights are larger by ``change`` of each.

    Raises:
        ValueError: as ``weights_of``.
    """
    weights = weights_of(model, names, width)
    return with_differences(
        model, {name: change(weight).float() for name, weight in weights.items()}
    )
