"""The host's negative prompt: the concepts are named there, nothing in the model changes."""

from collections.abc import Sequence
from typing import Literal

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...demo_model.vocabulary import with_article
from .erased import Erased

Wording = Literal["list", "caption", "words"]
"""``"church, apple"``, as people write it; ``"a church and an apple"``, as the bundled model's
training captions name things; ``"church apple"``, the shortest."""


def negative_prompt(
    model: ModelPatcher, clip: CLIP, concepts: Sequence[str], *, wording: Wording = "list"
) -> Erased:
    """The sampler is told of all concepts at once."""
    return Erased(model, clip, negative_words(concepts, wording))


def negative_words(concepts: Sequence[str], wording: Wording) -> str:
    """How the concepts are named together."""
    if wording == "caption":
        return " and ".join(map(with_article, concepts))
    return (", " if wording == "list" else " ").join(concepts)
