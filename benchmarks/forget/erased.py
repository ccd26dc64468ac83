"""A method's result."""

from collections.abc import Callable
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from comfy.samplers import CFGGuider
from comfy.sd import CLIP

from ...fia_core import NeuronMask
from ...nodes.host.denoising.conditioning import Conditioning

Guider = Callable[[ModelPatcher, Conditioning, Conditioning, float], CFGGuider]
"""(model, positive prompt, negative prompt, guidance scale) → the host's guider."""


def classifier_free(
    model: ModelPatcher, positive: Conditioning, negative: Conditioning, cfg: float
) -> CFGGuider:
    """The host's usual guidance."""
    guider = CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(cfg)
    return guider


class RefusalError(ValueError):
    """A setting with which a method can do nothing here; a sweep goes on after it."""


@dataclass(frozen=True)
class Erased:
    """A model that forgets, as the sampler is to use it.

    Attributes:
        model: draws.
        clip: reads the prompts.
        negative: text of the negative prompt.
        guider: makes the guidance.
        mask: the neuron mask, where the method has one; it is kept beside the pictures.
    """

    model: ModelPatcher
    clip: CLIP
    negative: str = ""
    guider: Guider = classifier_free
    mask: NeuronMask | None = None
