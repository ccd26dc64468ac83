"""The layers of a denoiser that read the text, and edits of them."""

from collections.abc import Callable

from comfy.ldm.aura.mmdit import MMDiT
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from .denoiser_weights import (
    DENOISER,
    text_projections,
    weights_in_effect,
    with_differences,
)


def value_readers(model: ModelPatcher) -> tuple[str, ...]:
    """Names of weights (C_out, text width) that bring the text's content into the picture.

    In a UNet the value projections of cross-attention. AuraFlow mixes text and picture in every
    block, so only the layer before the first block reads the text alone; it stands for keys and
    values, as Flux's does in OCE's and Double Projections' own code (`context_embedder`).

    Raises:
        ValueError: a denoiser of another kind.
    """
    if _is_auraflow(model):
        return (f"{DENOISER}cond_seq_linear.weight",)
    return tuple(name for name in text_projections(model) if name.endswith(".to_v.weight"))


def key_and_value_readers(model: ModelPatcher) -> tuple[str, ...]:
    """Those that say where it goes, too: in a UNet the key projections.

    Raises:
        ValueError: a denoiser of another kind.
    """
    return value_readers(model) if _is_auraflow(model) else text_projections(model)


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


def _is_auraflow(model: ModelPatcher) -> bool:
    return isinstance(model.get_model_object("diffusion_model"), MMDiT)
