"""ScaPre (arXiv 2601.06162): names are mapped to nothing in the output rows that tell them.

With C_k the rows of name k's text from its last word on, A_k those of the anchor's, c_k the last
word's token and m_k (C_out,) how much each row of W tells c_k from the empty prompt,

    W₁ = [λ W + s Σ diag(m_k) W A_kᵀ C_k] [λ I + Σ c_k c_kᵀ + s Σ C_kᵀ C_k]⁻¹
    row i:  α W₁ + (1 − α) W,   α = α₀ + (1 − α₀) e

m_k = sigmoid(z / 0.7)^p, z the rows' mutual information, standardised: five noisy c_k against five
noisy states of the empty prompt, an output above its row's median or not. e = 1 − the entropy of a
histogram of 20 bins of W_i (c + noise), as a share of the largest.

Facts from the authors' code (kaiyuan02415/scapre at fb8bd1f, edit/erase.py, which the README runs
for Imagenette): keys and values; the anchor is a blank; kept names are not used; the empty
prompt's state is that of its end mark; the lower of the two middle values is the median; the noise
has a deviation of 0.01; 20 samples a name; λ 0.5, s 1, p 2, α₀ 0.8. Its `erase_scale.py`, for 50
concepts, is another method and is not here.
"""

from collections.abc import Sequence
from math import log
from typing import Annotated

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from .erased import Erased
from .texts import text_states
from .uce import aligned_tokens
from .weights import edited, text_readers

SAMPLES = 5  # of a name and of the empty prompt, for the mutual information
TEMPERATURE = 0.7
BINS = 20
TINY = 1e-8


def scapre(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    anchor: str = " ",
    erase_scale: Annotated[float, Field(ge=0)] = 1.0,
    ridge: Annotated[float, Field(gt=0)] = 0.5,
    sharpness: Annotated[float, Field(ge=0)] = 2.0,
    least_blend: Annotated[float, Field(ge=0, le=1)] = 0.8,
    noise: Annotated[float, Field(gt=0)] = 0.01,
    entropy_samples: Annotated[int, Field(gt=0)] = 20,
    seed: int = 0,
) -> Erased:
    """ScaPre as its authors run it on Imagenette.

    Args:
        anchor: what the model sees instead.
        erase_scale: s.
        ridge: λ; the larger, the smaller the edit.
        sharpness: p; 0 masks no row.
        least_blend: α₀.
        noise: deviation of the noise on states.
        entropy_samples: noisy states of each name.
        seed: of the noise.
    """
    empty, goal, *texts = text_states(clip, ["", anchor, *concepts])
    pairs = [aligned_tokens(text, goal) for text in texts]
    names = torch.stack([text.name for text in texts])
    generator = torch.Generator().manual_seed(seed)

    def noisy(states: Tensor, count: int) -> Tensor:
        """Each state (states, width) so many times: (states · count, width)."""
        rows = states.repeat_interleave(count, 0)
        return rows + noise * torch.randn(rows.shape, generator=generator, dtype=torch.float64)

    def change(weight: Tensor) -> Tensor:
        nothing = empty.rows[1:2]
        masks = [
            row_mask(
                noisy(name[None], SAMPLES) @ weight.T, noisy(nothing, SAMPLES) @ weight.T, sharpness
            )
            for name in names
        ]
        whole = masked_edit(weight, names, pairs, masks, erase_scale, ridge)
        certain = certainty(noisy(names, entropy_samples) @ weight.T)
        return (least_blend + (1 - least_blend) * certain)[:, None] * (whole - weight)

    readers = text_readers(model)
    return Erased(edited(model, readers, names.shape[1], change), clip)


def row_mask(name: Tensor, nothing: Tensor, sharpness: float) -> Tensor:
    """m (C_out,): how much each output tells a name's samples (5, C_out) from nothing's."""
    outputs = torch.cat([name, nothing])
    high = (outputs > outputs.median(dim=0).values).double()
    is_name = torch.cat([torch.ones(len(name)), torch.zeros(len(nothing))]).double()
    information = torch.zeros(outputs.shape[1]).double()
    for output in (high, 1 - high):
        for label in (is_name, 1 - is_name):
            joint = (label @ output + TINY) / len(outputs)
            of_output = output.mean(0) + 2 * TINY / len(outputs)
            of_label = label.mean() + 2 * TINY / len(outputs)
            information += joint * (joint / (of_output * of_label)).log()
    score = (information - information.mean()) / (information.std() + TINY)
    return (score / TEMPERATURE).sigmoid() ** sharpness


def masked_edit(
    weight: Tensor,
    names: Tensor,
    pairs: Sequence[tuple[Tensor, Tensor]],
    masks: Sequence[Tensor],
    erase_scale: float,
    ridge: float,
) -> Tensor:
    """W₁ (C_out, width).

    Args:
        weight: W.
        names: c, a row each.
        pairs: C_k and A_k as rows (tokens, width), of each name.
        masks: m_k.
        erase_scale: s.
        ridge: λ.
    """
    goal = ridge * weight
    seen = ridge * torch.eye(weight.shape[1]).double() + names.T @ names
    for (concept, anchor), mask in zip(pairs, masks, strict=True):
        goal = goal + erase_scale * mask[:, None] * (weight @ anchor.T @ concept)
        seen = seen + erase_scale * concept.T @ concept
    return torch.linalg.solve(seen, goal, left=False)


def certainty(outputs: Tensor) -> Tensor:
    """e (C_out,) of outputs (samples, C_out): 0 where they are spread evenly over their range."""
    low, high = outputs.min(0).values, outputs.max(0).values
    bins = (BINS * (outputs - low) / (high - low + TINY)).long().clamp(max=BINS - 1)
    shares = torch.nn.functional.one_hot(bins, BINS).double().mean(0)
    return 1 + (shares * (shares + TINY).log()).sum(1) / log(BINS)
