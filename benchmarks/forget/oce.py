"""Orthogonal Concept Erasure (arXiv 2605.28902): value spaces are turned, not stretched.

With R and R* the projectors on the spans of all W c and of all W a (c: the state of a name's last
token, a: its anchor's), r kept names, and C_g the mean outer product of many captions' states,

    M = −λe R (I − R*) + λn Σ W r (W r)ᵀ + λ0 W C_g Wᵀ + λ W Wᵀ = U Σ Vᵀ,   W ← U Vᵀ W

Facts from the authors' code (HansSunY/OCE at 2609f3e, oce.py, no licence: equations only): values
only; the last word's token; C_g over the states of captions without padding; λ = 10 and λe = 2000,
λ0 = 10, λn = 0 for an object. Its five templates a name are left to the caller's ``templates``.

Ours: the spans are those of the vectors' rank (the code takes QR's columns, which beyond the rank
are arbitrary where all names share one anchor). The code's change of sign of the last column where
det U Vᵀ < 0 is left out: where a layer has more outputs than the text is wide, rounding decides
that sign. The captions, where COCO's 30,000 are not to be had, are the contexts of the paper of
Forget-It-All.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from ...fia_core import base_prompts, default_contexts, default_templates
from .erased import Erased
from .text_readers import edited, value_readers
from .text_states import text_states
from .texts import PLACEHOLDER, Templates, filled

SAME = 1e-6
"""Singular values below this share of the largest are none."""


def oce(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    anchors: Annotated[tuple[str, ...], Field(min_length=1)] = (" ",),
    templates: Templates = (PLACEHOLDER,),
    captions: tuple[str, ...] = (),
    erase_scale: Annotated[float, Field(ge=0)] = 2000.0,
    preserve_scale: Annotated[float, Field(ge=0)] = 0.0,
    global_scale: Annotated[float, Field(ge=0)] = 10.0,
    identity_scale: Annotated[float, Field(gt=0)] = 10.0,
) -> Erased:
    """OCE.

    Args:
        anchors: what the model sees instead, for all names.
        templates: texts with ``{concept}`` for names and anchors.
        captions: of everyday pictures; empty for "a road", "a tree" and so on.
        erase_scale: λe; 0 changes nothing.
        preserve_scale: λn.
        global_scale: λ0.
        identity_scale: λ.

    Raises:
        ValueError: the denoiser has no layer that reads the text.
    """

    def states(names: Sequence[str]) -> Tensor:
        texts = text_states(clip, filled(templates, names))
        return torch.stack([text.name for text in texts])

    erased, wanted = states(concepts), states(anchors)
    keep = torch.stack([text.name for text in text_states(clip, kept)]) if kept else erased[:0]
    texts = captions or base_prompts(default_templates("object"), default_contexts("object"))
    everyday = torch.cat([text.without_padding for text in text_states(clip, texts)])
    moment = everyday.T @ everyday / len(everyday)

    def change(weight: Tensor) -> Tensor:
        turn = rotation(
            weight, erased, wanted, keep, moment,
            (erase_scale, preserve_scale, global_scale, identity_scale),
        )  # fmt: skip
        return turn @ weight - weight

    return Erased(edited(model, value_readers(model, "OCE"), len(moment), change), clip)


def rotation(
    weight: Tensor,
    erased: Tensor,
    wanted: Tensor,
    keep: Tensor,
    moment: Tensor,
    scales: tuple[float, float, float, float],
) -> Tensor:
    """U Vᵀ (C_out, C_out), orthogonal, of the module's formula.

    Args:
        weight: W, (C_out, width).
        erased, wanted, keep: c, a and r, a row each.
        moment: C_g, (width, width).
        scales: λe, λn, λ0, λ.
    """
    erase, preserve, everyday, identity = scales
    names = span_projector(erased @ weight.T)
    target = -erase * (names - names @ span_projector(wanted @ weight.T))
    inside = everyday * moment + preserve * keep.T @ keep
    inside += identity * torch.eye(len(moment)).double()
    left, _, right = torch.linalg.svd(target + weight @ inside @ weight.T)
    return left @ right


def span_projector(vectors: Tensor) -> Tensor:
    """The projector (width, width) on the span of rows (vectors, width), all scaled to length 1."""
    _, values, basis = torch.linalg.svd(
        torch.nn.functional.normalize(vectors, dim=1), full_matrices=False
    )
    basis = basis[values > SAME * values[0]]
    return basis.T @ basis
