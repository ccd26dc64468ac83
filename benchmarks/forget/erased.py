"""A method's result, and the method that changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...fia_core import NeuronMask


class RefusalError(ValueError):
    """A setting with which a method can do nothing here; a sweep goes on after it."""


@dataclass(frozen=True)
class Erased:
    """A model that forgets, as the sampler is to use it.

    Attributes:
        model: draws.
        clip: reads the prompts.
        negative: text of the negative prompt.
        mask: the neuron mask, where the method has one.
    """

    model: ModelPatcher
    clip: CLIP
    negative: str = ""
    mask: NeuronMask | None = None


def base(model: ModelPatcher, clip: CLIP, concepts: Sequence[str]) -> Erased:
    """The model as it is: what every method is compared with."""
    return Erased(model, clip)
