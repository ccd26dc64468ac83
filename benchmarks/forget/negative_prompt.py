"""The host's negative prompt: the concepts are named there, nothing in the model changes."""

from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from .erased import Erased


def negative_prompt(model: ModelPatcher, clip: CLIP, concepts: Sequence[str]) -> Erased:
    """The sampler is told of all concepts at once."""
    return Erased(model, clip, ", ".join(concepts))
