"""FFN2 in closed form: with a given ridge, and as the node Closed-Form LoRA looks for one."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from ...nodes.fields.shared import fraction
from ...nodes.host.closed_form.reading import read_ffn2
from ...nodes.host.closed_form.search import forget_in_closed_form, solve
from ...nodes.host.denoising.conditioning import RequestPrompts
from ...nodes.host.denoising.memory import FittingCalls
from .erased import Erased
from .settings import Prompts
from .weights import with_differences


def ffn2_edit(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    prompts: Prompts,
    preserve_scale: Annotated[float, Field(ge=0)] = 1.0,
    ridge: Annotated[float, Field(gt=0)] = 0.1,
) -> Erased:
    """FFN2 answers what it reads of a concept as it answers the scene alone.

    Args:
        prompts: as in the nodes.
        preserve_scale: p, how much what should stay weighs.
        ridge: λ, how firmly every weight is held.
    """
    request = prompts.request(concepts)
    calls = FittingCalls(request.chunk)
    sums = read_ffn2(model, RequestPrompts(clip, request), calls, kept, preserve_scale)
    return Erased(_changed(model, solve(model, sums, ridge)), clip)


def closed_form_lora(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    prompts: Prompts,
    share: float = 90.0,
) -> Erased:
    """The same as the node does it.

    Args:
        prompts, share: as in the node.
    """
    differences = forget_in_closed_form(
        model, clip, prompts.request(concepts), kept=kept, share=fraction(share)
    )
    return Erased(_changed(model, differences), clip)


def _changed(model: ModelPatcher, differences: Mapping[str, Tensor]) -> ModelPatcher:
    return with_differences(model, {f"{name}.weight": by for name, by in differences.items()})
