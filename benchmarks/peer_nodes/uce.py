"""Unified Concept Editing (arXiv 2308.14761): the closed-form edit of key and value projections.

For a projection W, concept tokens c with anchor tokens c*, and preserved tokens p, the paper asks
for the W' that maps c as W maps c* and p as W maps p, and stays close to W:

    W' = (Σ W c* cᵀ + Σ W p pᵀ + λ W) (Σ c cᵀ + Σ p pᵀ + λ I)⁻¹

with a factor for the erased and one for the preserved sums. W leaves the first bracket, so the edit
is one matrix D for all layers that read the same text:

    W' = W + W D,   D = s_e Σ (c* − c) cᵀ (s_e Σ c cᵀ + s_p Σ p pᵀ + λ I)⁻¹
"""

import torch
from torch import Tensor


def edit_matrix(
    concept: Tensor,
    anchor: Tensor,
    preserved: Tensor,
    erase_scale: float,
    preserve_scale: float,
    ridge: float,
) -> Tensor:
    """D of the module's formula; an edited weight is W + W @ D.

    Args:
        concept: c, (tokens, width), any float dtype.
        anchor: c*, row by row what ``concept`` is mapped to, the same shape.
        preserved: p, (any number of tokens, width).
        erase_scale: s_e; 0 gives D = 0.
        preserve_scale: s_p.
        ridge: λ, above 0, so that the inverse exists.

    Returns:
        (width, width) float64.

    Raises:
        ValueError: ``ridge`` is not above 0.
    """
    if ridge <= 0:
        raise ValueError(f"ridge: is {ridge}; give a number above 0.")
    concept, anchor, preserved = concept.double(), anchor.double(), preserved.double()
    width = concept.shape[1]
    moved = erase_scale * (anchor - concept).T @ concept
    seen = erase_scale * concept.T @ concept + preserve_scale * preserved.T @ preserved
    seen += ridge * torch.eye(width, dtype=torch.float64, device=concept.device)
    return torch.linalg.solve(seen, moved, left=False)


def aligned_tokens(
    concept: Tensor, concept_last: int, anchor: Tensor, anchor_last: int
) -> tuple[Tensor, Tensor]:
    """Pair the tokens of two encoded prompts from the last word's on, as the authors do.

    Earlier tokens have not seen the whole concept (the text encoder is causal); the end tokens
    after the last word have, and carry it into the picture as well.

    Args:
        concept, anchor: encoded prompts, (tokens, width).
        concept_last, anchor_last: position of the last word's token in each.

    Returns:
        Two tensors (pairs, width).
    """
    pairs = min(len(concept) - concept_last, len(anchor) - anchor_last)
    return concept[concept_last:][:pairs], anchor[anchor_last:][:pairs]
