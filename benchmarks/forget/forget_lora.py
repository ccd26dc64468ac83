"""The node Forget LoRA, as it is."""

from collections.abc import Sequence
from typing import Annotated

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field

from ...nodes.host.forgetting.forget import Wish
from ...nodes.host.forgetting.forget import forget_lora as calculated
from ...nodes.host.model.lora import with_lora
from .erased import Erased


def forget_lora(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    kind: str = "object",
    instead: str = "",
    amount: Annotated[float, Field(gt=0)] = 1.0,
    rank: Annotated[int, Field(ge=0)] = 0,
    strength: float = 1.0,
) -> Erased:
    """A LoRA of the layers that read the text.

    Args:
        kind, instead, amount, rank: as in the node.
        strength: of the LoRA.
    """
    wish = Wish(tuple(concepts), kind, instead, tuple(kept), amount, rank)
    return Erased(with_lora(model, calculated(model, clip, wish), strength), clip)
