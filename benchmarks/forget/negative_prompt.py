"""The host's negative prompt: the concepts are named there, nothing in the model changes."""

from collections.abc import Sequence
from typing import Literal

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...demo_model.vocabulary import with_article
from .erased import Erased


def negative_prompt(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    wording: Literal["list", "caption"] = "list",
) -> Erased:
    """The sampler is told of all concepts at once.

    Args:
        wording: "church, apple", as people write it, or "a church and an apple", as the bundled
            model's captions name things.
    """
    if wording == "caption":
        return Erased(model, clip, " and ".join(map(with_article, concepts)))
    return Erased(model, clip, ", ".join(concepts))
