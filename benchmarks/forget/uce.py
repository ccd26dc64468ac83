"""Unified Concept Editing (arXiv 2308.14761): the closed-form edit of key and value projections.

For a projection W, concept tokens c with anchor tokens c*, and preserved tokens p, the paper asks
for the W' that maps c as W maps c* and p as W maps p, and stays close to W:

    W' = (Σ W c* cᵀ + Σ W p pᵀ + λ W) (Σ c cᵀ + Σ p pᵀ + λ I)⁻¹

with a factor for the erased and one for the preserved sums. W leaves the first bracket, so the edit
is one matrix D for all layers that read the same text:

    W' = W + W D,   D = s_e Σ (c* − c) cᵀ (s_e Σ c cᵀ + s_p Σ p pᵀ + λ I)⁻¹

Decided where the paper is silent, after the authors' code. Their first script maps the tokens from
the last word's on and keeps all tokens of the preserved prompts and of the empty prompt; their
present one maps and keeps the last word's token alone, and the empty prompt's only where it is
asked to: here always.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from .erased import Erased
from .texts import TextStates, text_states
from .weights import edited, text_readers

ALL_FROM_LAST, ONLY_LAST = "from the last word's on", "the last word's"
LEAST_PRESERVE_SCALE = 0.1
"""The authors' first script weighs each preserved text by 1 / their number, but not below this."""


def uce(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    anchor: str = "",
    tokens: Literal["from the last word's on", "the last word's"] = ALL_FROM_LAST,
    erase_scale: Annotated[float, Field(ge=0)] = 1.0,
    preserve_scale: Annotated[float, Field(ge=0)] | None = None,
    ridge: Annotated[float, Field(gt=0)] = 0.5,
) -> Erased:
    """Cross-attention reads a concept as if it were the anchor.

    Args:
        kept: names that must stay, beside the empty prompt.
        anchor: what is read in place of a concept; empty is the empty prompt.
        tokens: of the concepts' texts, which are mapped.
        erase_scale: s_e; 0 changes nothing.
        preserve_scale: s_p; by the number of preserved texts where None.
        ridge: λ, how strongly everything else is held in place.

    Raises:
        ValueError: a text is too long for the text encoder, or ``clip`` is of another model.
    """
    if preserve_scale is None:
        preserve_scale = max(LEAST_PRESERVE_SCALE, 1 / (1 + len(kept)))
    only_last = tokens == ONLY_LAST
    matrix = edit_matrix(
        *_token_pairs(clip, concepts, [anchor] * len(concepts), only_last),
        _kept_tokens(clip, ["", *kept], only_last),
        erase_scale,
        preserve_scale,
        ridge,
    )
    readers = text_readers(model)
    return Erased(edited(model, readers, len(matrix), lambda weight: weight @ matrix), clip)


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
    """
    concept, anchor, preserved = concept.double(), anchor.double(), preserved.double()
    width = concept.shape[1]
    moved = erase_scale * (anchor - concept).T @ concept
    seen = erase_scale * concept.T @ concept + preserve_scale * preserved.T @ preserved
    seen += ridge * torch.eye(width, dtype=torch.float64, device=concept.device)
    return torch.linalg.solve(seen, moved, left=False)


def aligned_tokens(concept: TextStates, anchor: TextStates) -> tuple[Tensor, Tensor]:
    """Pair the tokens of two texts from the last word's on, each (pairs, width).

    Earlier tokens have not seen the whole concept (the text encoder is causal); the end tokens
    after the last word have, and carry it into the picture as well.
    """
    ours, theirs = concept.rows[concept.last :], anchor.rows[anchor.last :]
    pairs = min(len(ours), len(theirs))
    return ours[:pairs], theirs[:pairs]


def _token_pairs(
    clip: CLIP, concepts: Sequence[str], anchors: Sequence[str], only_last: bool
) -> tuple[Tensor, Tensor]:
    """Tokens of the concepts' prompts and of their anchors, each (pairs, width)."""
    texts = zip(text_states(clip, concepts), text_states(clip, anchors), strict=True)
    pairs = [aligned_tokens(one, goal) for one, goal in texts]
    count = 1 if only_last else None
    erased, wanted = zip(*((one[:count], other[:count]) for one, other in pairs), strict=True)
    return torch.cat(erased), torch.cat(wanted)


def _kept_tokens(clip: CLIP, prompts: list[str], only_last: bool) -> Tensor:
    """All tokens of the prompts, or each one's last word's: (tokens, width)."""
    texts = text_states(clip, prompts)
    if only_last:
        return torch.stack([text.name for text in texts])
    return torch.cat([text.rows for text in texts])
