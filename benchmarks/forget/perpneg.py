"""The host's Perp-Neg guider: only what of the negative prompt is at right angles to the prompt.

It is made to correct a picture, not to remove what its own prompt asks for. The authors take each
negative prompt by itself; the host's guider takes one, so that all concepts stand in it.
"""

from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher
from comfy.samplers import CFGGuider
from comfy.sd import CLIP
from comfy_extras.nodes_perpneg import Guider_PerpNeg

from ...nodes.host.denoising.conditioning import Conditioning, encode_prompts, stack_prompts
from .erased import Erased
from .negative_prompt import Wording, negative_words


def perpneg(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    neg_scale: float = 1.0,
    wording: Wording = "list",
) -> Erased:
    """Guided by the prompt, the concepts and the empty prompt; ``neg_scale`` is the host's."""
    empty = stack_prompts(encode_prompts(clip, [""]))

    def guider(
        model: ModelPatcher, positive: Conditioning, negative: Conditioning, cfg: float
    ) -> CFGGuider:
        guider = Guider_PerpNeg(model)
        guider.set_conds(positive, negative, empty)
        guider.set_cfg(cfg, neg_scale)
        return guider

    return Erased(model, clip, negative_words(concepts, wording), guider)
