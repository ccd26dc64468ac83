"""Normalized Attention Guidance (arXiv 2505.21179): steer attention away from the names.

In every attention to the text, before its output layer, with Z⁺ what the picture's queries find in
the prompt and Z⁻ what they find in the names,

    Z̃ = s Z⁺ − (s − 1) Z⁻,  ρ = ‖Z̃‖₁ / ‖Z⁺‖₁ of each token,  Z = α Z̃ min(ρ, τ) / ρ + (1 − α) Z⁺

Facts from the authors' code (ChenDarYen/ComfyUI-NAG at ef8a641: utils.py, sd/): only rows of the
positive prompt are steered; s 5, τ 2.5, α 0.25; norms at least 1e-6. Its form for joint attention
is not here.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import torch
from comfy.ldm.modules.attention import BasicTransformerBlock, optimized_attention
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from ...nodes.host.denoising.conditioning import encode_prompts
from .erased import Erased

POSITIVE = 0  # in the host's "cond_or_uncond"
LEAST_NORM = 1e-6


def nag(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    scale: Annotated[float, Field(ge=1)] = 5.0,
    threshold: Annotated[float, Field(gt=0)] = 2.5,
    blend: Annotated[float, Field(ge=0, le=1)] = 0.25,
    joint: str = ", ",
) -> Erased:
    """NAG, the names being the negative text. It needs no kept names.

    Args:
        scale: s; 1 changes nothing.
        threshold: τ.
        blend: α.
        joint: between the names.

    Raises:
        ValueError: the denoiser has no cross-attention.
    """
    denoiser = model.get_model_object("diffusion_model")
    attentions = _cross_attentions(denoiser)
    if not attentions:
        raise ValueError(
            f"model: NAG steers cross-attention, and {type(denoiser).__name__} has none. Use a "
            "Stable Diffusion 1.x, 2.x or XL model."
        )
    (names,) = encode_prompts(clip, [joint.join(concepts)])
    steered = model.clone()
    settings = scale, threshold, blend
    for block, layers in attentions.items():
        steered.set_model_attn2_replace(guided_attention(layers, names["cond"], *settings), *block)
    return Erased(steered, clip)


def normalized_attention(
    positive: Tensor, negative: Tensor, scale: float, threshold: float, blend: float
) -> Tensor:
    """Z of the module's formula; all tensors (..., tokens, width)."""
    away = scale * positive - (scale - 1) * negative
    norm, plain = (
        part.norm(p=1, dim=-1, keepdim=True).clamp(min=LEAST_NORM) for part in (away, positive)
    )
    ratio = norm / plain
    return blend * away * ratio.clamp(max=threshold) / ratio + (1 - blend) * positive


def guided_attention(
    layers: list[Any], names: Tensor, scale: float, threshold: float, blend: float
) -> Callable[..., Tensor]:
    """What is put in place of the cross-attentions of one of a UNet's blocks.

    A function, since the host copies objects, and their layers, with every clone of a model.

    Args:
        layers: the block's cross-attentions.
        names: the names' text, (1, tokens, width).
        scale, threshold, blend: as of ``nag``.
    """

    def steered(q: Tensor, k: Tensor, v: Tensor, options: dict[str, Any]) -> Tensor:
        """The host's replacement: projected q, k, v (B, tokens, width) to (B, tokens, width)."""
        layer, heads = layers[options.get("block_index", 0)], options["n_heads"]
        precision = options["attn_precision"]
        found = optimized_attention(q, k, v, heads, attn_precision=precision)
        rows = positive_rows(options["cond_or_uncond"], len(q))
        if not len(rows):
            return found
        text = names.to(q).expand(len(rows), -1, -1)
        names_k, names_v = layer.to_k(text), layer.to_v(text)
        away = optimized_attention(q[rows], names_k, names_v, heads, attn_precision=precision)
        found = found.clone()
        found[rows] = normalized_attention(found[rows], away, scale, threshold, blend)
        return found

    return steered


def positive_rows(halves: list[int], count: int) -> Tensor:
    """Which of ``count`` rows, a chunk of them to each of ``halves``, are the positive prompt's."""
    positive = torch.tensor(halves) == POSITIVE
    return positive.repeat_interleave(count // len(halves)).nonzero()[:, 0]


def _cross_attentions(denoiser: torch.nn.Module) -> dict[tuple[str, int], list[Any]]:
    """The host's (block, number) to its cross-attention layers, in order."""
    found: dict[tuple[str, int], list[Any]] = {}
    for name, module in denoiser.named_modules():
        if isinstance(module, BasicTransformerBlock) and module.attn2 is not None:
            part, number, *_ = name.split(".")
            place = part.removesuffix("_blocks").removesuffix("_block")
            key = (place, 0 if place == "middle" else int(number))
            found.setdefault(key, []).append(module.attn2)
    return found
