"""Double Projections (arXiv 2604.10032): a name is mapped to its anchors, kept names stay exactly.

Every token c of every name is edited after the other, W changing each time. c* is c projected on
the span of all tokens of all anchors, or the anchor itself where that is one token; U₂ is a basis
of the null space of all tokens of the kept names:

    x = U₂ᵀ c,   ΔW = W (c* − c) xᵀ U₂ᵀ / ‖x‖²

Facts from the authors' code (czhang024/CVPR_DouleProjection at 3fc3d8a, SD/Double_proxy.py; in
Flux/Double_proxy.py the same of `context_embedder`): keys and values; words without marks; every
anchor for every name; without kept names U₂ = I; singular values up to 1e-6 are none. It gives no
anchor of its own, so one must be named.

Ours: the cut is a share of the largest singular value, and can be raised where kept tokens fill
the whole space; an edit that would be larger than 1 / ``least`` of the plain one is refused where
the code divides by what is left; and ``strength`` scales ΔW, since the method has no dial.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from .erased import Erased, RefusalError
from .texts import text_states
from .weights import edited, text_readers


def double_projections(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    anchors: Annotated[tuple[str, ...], Field(min_length=1)] = ("photo",),
    rank_cut: Annotated[float, Field(gt=0, lt=1)] = 1e-6,
    least: Annotated[float, Field(gt=0, lt=1)] = 0.05,
    strength: Annotated[float, Field(ge=0)] = 1.0,
) -> Erased:
    """Double Projections.

    Args:
        anchors: what the model sees instead.
        rank_cut: share of the largest singular value up to which kept tokens' directions are free.
        least: of ‖c‖², what ‖x‖² must be.
        strength: what ΔW is multiplied by.

    Raises:
        ValueError: the denoiser has no layer that reads the text, or an anchor has no word.
        RefusalError: the kept names leave too little of a name.
    """
    goals = text_states(clip, anchors)
    for anchor, goal in zip(anchors, goals, strict=True):
        if not len(goal.words):
            raise ValueError(f"anchors: Double Projections needs a word, {anchor!r} has none.")
    target = torch.cat([goal.words for goal in goals])
    free = free_directions(
        torch.cat([target[:0], *(text.words for text in text_states(clip, kept))]), rank_cut
    )
    names = text_states(clip, concepts)
    for concept, name in zip(concepts, names, strict=True):
        left = (name.words @ free).square().sum(1) / name.words.square().sum(1)
        if left.min() < least:
            raise RefusalError(
                f"kept: leaves {left.min():.1%} of a token of {concept!r}, and Double Projections "
                f"divides by it. Keep fewer, or raise rank_cut, now {rank_cut}."
            )
    matrix = edit_matrix(torch.cat([name.words for name in names]), target, free)
    readers = text_readers(model)
    changed = edited(model, readers, len(matrix), lambda weight: strength * weight @ matrix)
    return Erased(changed, clip)


def free_directions(keep: Tensor, rank_cut: float) -> Tensor:
    """U₂ (width, directions), orthonormal: what the kept tokens (tokens, width) have none of."""
    if not len(keep):
        return torch.eye(keep.shape[1]).double()
    _, values, basis = torch.linalg.svd(keep, full_matrices=True)
    rank = int((values > rank_cut * values[0]).sum())
    return basis[rank:].T


def edit_matrix(tokens: Tensor, anchors: Tensor, free: Tensor) -> Tensor:
    """D (width, width) with W + W D edited: one token (tokens, width) after the other.

    Args:
        tokens: c of all names.
        anchors: tokens of the anchors.
        free: U₂.
    """
    whole = torch.eye(tokens.shape[1]).double()
    matrix = torch.zeros_like(whole)
    projector = torch.linalg.pinv(anchors) @ anchors
    for token in tokens:
        goal = anchors[0] if len(anchors) == 1 else projector @ token
        inside = token @ free
        step = (goal - token).outer(free @ inside) / inside.square().sum()
        matrix = matrix + (whole + matrix) @ step
    return matrix
