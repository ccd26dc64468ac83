"""A method's result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.samplers import CFGGuider
from comfy.sd import CLIP

from ...fia_core import NeuronMask

Conditioning = list[Any]
"""The host's CONDITIONING: an encoded prompt."""

Guider = Callable[[ModelPatcher, Conditioning, Conditioning, float], CFGGuider]
"""(model, positive prompt, negative prompt, guidance scale) → the host's guider."""


@dataclass(frozen=True)
class Erased:
    """A model that forgets, as the sampler is to use it.

    Attributes:
        model: draws.
        clip: reads the prompts.
        negative: text of the negative prompt.
        guider: in place of the host's usual guidance; None for that.
        mask: the neuron mask, where the method has one; it is kept beside the pictures.
    """

    model: ModelPatcher
    clip: CLIP
    negative: str = ""
    guider: Guider | None = None
    mask: NeuronMask | None = None
