"""Closed-Form LoRA: the change of all FFN2 weights that takes a share of concepts' effect."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import torch
from comfy.model_management import soft_empty_cache, throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ....fia_core.closed_form import ClosedForm
from ..denoising.conditioning import RequestPrompts
from ..denoising.memory import FittingCalls, is_out_of_memory, make_room
from ..denoising.progress import SceneProgress
from ..denoising.request import PromptRequest
from .effect import ConceptEffect
from .reading import FLOAT, Sums, read_ffn2

LEAST_RIDGE, MOST_RIDGE = 2.0**-6, 2.0**14
TRIALS = 6  # which halve 20 octaves down to a third of one
SOLVING = 3
"""Matrices as large as K that solving a layer takes."""

Differences = dict[str, torch.Tensor]
"""W' − W (C_out, C_in) of every FFN2 layer, float16 on the CPU, by the layer's name."""


@dataclass(frozen=True)
class Trial:
    """What a ridge does.

    Attributes:
        ridge: λ of ``fia_core/closed_form.py``.
        removed: the share of the concepts' effect that it removes.
        differences: of the weights.
    """

    ridge: float
    removed: float
    differences: Differences


def forget_in_closed_form(
    model: ModelPatcher,
    clip: CLIP | None,
    request: PromptRequest,
    *,
    kept: Sequence[str] = (),
    share: float,
    node_id: str | None = None,
) -> Differences:
    """The smallest change of all FFN2 weights that removes a share of the concepts' effect.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        request: what is forgotten, and how prompts are denoised.
        kept: concepts of the same kind that should stay.
        share: a fraction of what the least ridge removes of the effect (``ConceptEffect``).
        node_id: of the node in the page, which shows how far it is.

    Raises:
        ValueError: as ``read_ffn2``, or no ridge removes any of the effect.
    """
    every = replace(request, concepts=(*request.concepts, *kept))
    progress = SceneProgress(model, every, node_id)
    prompts, calls = RequestPrompts(clip, request), FittingCalls(request.chunk)
    sums = read_ffn2(model, prompts, calls, kept, progress=progress)
    effect = ConceptEffect(model, prompts, calls)
    progress.search(1 + TRIALS)

    def attempt(ridge: float) -> Trial:
        differences = solve(model, sums, ridge)
        trial = Trial(ridge, effect.removed(differences), differences)
        progress.tried()
        return trial

    strongest = attempt(LEAST_RIDGE)
    most = strongest.removed
    if not most > 0:  # also for NaN
        raise ValueError(
            "concepts: changing the FFN2 layers does not weaken them in this model. Check their "
            "spelling, width and height, or use a mask."
        )
    found = largest_ridge(attempt, strongest, share)
    result = (
        f"removed {found.removed / most:.0%} of what can be removed "
        f"({most:.0%} of the effect), ridge {found.ridge:.2g}"
    )
    logging.info("Closed-Form LoRA: %s", result)
    progress.finish(0, [], result)
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


def solve(model: ModelPatcher, sums: Sums, ridge: float) -> Differences:
    """Solve every layer, on the device of ``model`` where that is a card with room for it."""
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    if device.type == "cuda":
        inputs = max(layer.inputs for layer in sums.values())
        make_room(model, SOLVING * FLOAT * inputs**2)
    else:  # it may not know how
        device = cpu
    differences = {}
    for name, layer in sums.items():
        throw_exception_if_processing_interrupted()
        solved = _solved(layer, ridge, device)
        if solved is None:
            soft_empty_cache()
            solved = layer.difference(ridge, cpu)
        differences[name] = solved.to("cpu", torch.float16)
    return differences


def _solved(layer: ClosedForm, ridge: float, device: torch.device) -> torch.Tensor | None:
    """The difference, or None where the device has no room to solve it."""
    try:
        return layer.difference(ridge, device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None
