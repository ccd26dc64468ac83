"""FFN2 in closed form, as the node Closed-Form LoRA has it."""

from collections.abc import Sequence
from typing import Annotated

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field

from ...nodes.host.erasing.closed_form import closed_form
from .denoiser_weights import with_differences
from .erased import Erased
from .settings import Prompts


def ffn2_edit(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    profiled: ModelPatcher | None = None,
    prompts: Prompts,
    preserve_scale: Annotated[float, Field(ge=0)] = 1.0,
    ridge: Annotated[float, Field(gt=0)] = 0.1,
) -> Erased:
    """FFN2 answers what it reads of a concept as it answers the scene alone.

    Args:
        model, clip, concepts, kept, profiled: see the package.
        prompts: as in the nodes.
        preserve_scale: p, how much what should stay weighs.
        ridge: λ, how firmly every weight is held.
    """
    differences = closed_form(
        profiled or model,
        clip,
        prompts.request(concepts),
        kept=kept,
        ridge=ridge,
        preserve_scale=preserve_scale,
    )
    added = {f"{name}.weight": difference for name, difference in differences.items()}
    return Erased(with_differences(model, added), clip)
