"""RECE (arXiv 2407.12383): after UCE, find what still means the name, and edit that, too.

With W the weights of all keys and values before, Ŵ those so far, and c every row of a name's text,
the rows c′ that make Ŵ answer as W did to c, at the cost λ ‖c′‖², are

    c′ = (λ I + Σ Ŵᵀ Ŵ)⁻¹ (Σ Ŵᵀ W) c

Each round maps the c′ of all names to the anchor's rows by UCE's closed form.

Facts from the authors' code (CharlesGong12/RECE at 403a67f, train_object.py with `close_regzero`):
all rows of c, marks and padding too; the anchor is a blank; the empty prompt is preserved, at 0.1;
UCE's λ is 0.1 in the rounds, and by the README at the start; λ 0.1 for objects that UCE forgets
easily and 0.001 for others; one round, and none where UCE is enough. Its check after a round, that
others lose less than 10 points, is the caller's.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from .erased import Erased
from .text_readers import edited, key_and_value_readers, weights_of
from .text_states import text_states
from .uce import aligned_tokens, edit_matrix


def rece(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    anchor: str = " ",
    rounds: Annotated[int, Field(ge=0)] = 1,
    regularisation: Annotated[float, Field(gt=0)] = 0.1,
    erase_scale: Annotated[float, Field(ge=0)] = 1.0,
    preserve_scale: Annotated[float, Field(ge=0)] = 0.1,
    ridge: Annotated[float, Field(gt=0)] = 0.1,
) -> Erased:
    """RECE.

    Args:
        anchor: what the model sees instead.
        rounds: after UCE.
        regularisation: λ.
        erase_scale, preserve_scale, ridge: UCE's, at the start and in the rounds.

    Raises:
        ValueError: the denoiser has no layer that reads the text.
    """
    goal, *texts = text_states(clip, [anchor, *concepts])
    preserved = torch.cat([text.rows for text in text_states(clip, ["", *kept])])

    def uce(rows: Tensor, wanted: Tensor) -> Tensor:
        return edit_matrix(rows, wanted, preserved, erase_scale, preserve_scale, ridge)

    pairs = [aligned_tokens(text.rows, text.last, goal.rows, goal.last) for text in texts]
    rows, wanted = (torch.cat(side) for side in zip(*pairs, strict=True))
    readers = key_and_value_readers(model, "RECE")
    width = goal.rows.shape[1]
    gram = sum_of_squares(tuple(weights_of(model, readers, width).values()))
    whole = torch.eye(width).double()
    edit = whole + uce(rows, wanted)
    for _ in range(rounds):
        back = meaning(gram, edit, regularisation)
        rows = torch.cat([text.rows @ back.T for text in texts])
        edit = edit @ (whole + uce(rows, goal.rows.repeat(len(texts), 1)))
    return Erased(edited(model, readers, width, lambda weight: weight @ (edit - whole)), clip)


def sum_of_squares(weights: Sequence[Tensor]) -> Tensor:
    """Σ Wᵀ W over the layers, (width, width)."""
    return torch.stack([weight.T @ weight for weight in weights]).sum(0)


def meaning(gram: Tensor, edit: Tensor, regularisation: float) -> Tensor:
    """The matrix (width, width) that makes c to c′, where Ŵ = W E in every layer.

    Args:
        gram: Σ Wᵀ W.
        edit: E.
        regularisation: λ.
    """
    ridge = regularisation * torch.eye(len(gram)).double()
    return torch.linalg.solve(ridge + edit.T @ gram @ edit, edit.T @ gram)
