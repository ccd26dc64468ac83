"""FFN2 in closed form: the change of all FFN2 weights that takes a share of concepts' effect."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ..denoising.doubts import doubts
from ..denoising.progress import SceneProgress
from ..denoising.request import ProfileRequest
from .effect import ConceptEffect
from .reading import Differences, read_ffn2

LEAST_RIDGE, MOST_RIDGE = 2.0**-6, 2.0**14
TRIALS = 6  # which halve 20 octaves down to a third of one


@dataclass(frozen=True)
class Trial:
    """What a ridge does.

    Attributes:
        ridge: λ of ``fia_core/closed_form.py``.
        removed: the share of the concepts' effect that goes.
        differences: of the weights.
    """

    ridge: float
    removed: float
    differences: Differences


def forget_in_closed_form(
    model: ModelPatcher,
    clip: CLIP | None,
    request: ProfileRequest,
    *,
    kept: Sequence[str] = (),
    share: float,
    node_id: str | None = None,
) -> Differences:
    """The differences with the largest ridge at which a share of what can go of the concepts'
    effect goes.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        request: what is forgotten, and how prompts are denoised.
        kept: concepts of the same kind that should stay.
        share: of the effect (``ConceptEffect``) that goes with the least ridge, a fraction.
        node_id: of the node in the page, which shows how far it is.

    Raises:
        ValueError: as ``read_ffn2``, or nothing of the effect can go.
    """
    progress = SceneProgress(model, request, node_id)
    reading = read_ffn2(model, clip, request, kept, progress=progress)
    effect = ConceptEffect(model, request, reading.prompts, reading.chunk)
    progress.search(1 + TRIALS)

    def attempt(ridge: float) -> Trial:
        differences = reading.differences(model, ridge)
        trial = Trial(ridge, effect.removed(differences), differences)
        progress.tried()
        return trial

    strongest = attempt(LEAST_RIDGE)
    most = strongest.removed
    if not most > 0:  # nor not a number
        raise ValueError(
            "concepts: no LoRA of FFN2 takes anything of their effect on what this model predicts. "
            "Check their spelling, width and height, or use a mask."
        )
    found = largest_ridge(attempt, strongest, share)
    result = (
        f"{found.removed / most:.0%} gone of the {most:.0%} that can go, ridge {found.ridge:.2g}"
    )
    logging.info("Closed-Form LoRA: %s", result)
    every = replace(request, concepts=(*request.concepts, *kept))
    progress.finish(0, doubts(model, every), result)
    return found.differences


def largest_ridge(attempt: Callable[[float], Trial], strongest: Trial, share: float) -> Trial:
    """The trial of the largest ridge, to within a quarter, that removes a share of what
    ``strongest`` does; less goes as the ridge grows."""
    found, high = strongest, MOST_RIDGE
    for _ in range(TRIALS):
        trial = attempt(sqrt(found.ridge * high))
        if trial.removed >= share * strongest.removed:
            found = trial
        else:
            high = trial.ridge
    return found
