"""The model as it is: what every method is compared with."""

from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from .erased import Erased


def base(model: ModelPatcher, clip: CLIP, concepts: Sequence[str]) -> Erased:
    """Forgets nothing."""
    return Erased(model, clip)
