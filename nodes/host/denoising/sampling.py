"""How prompts are sampled while they are profiled: settings, noise levels, and the latent."""

from dataclasses import dataclass, replace

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher

from ....fia_core.equations.checks import require_choice
from ..model.preferences import Preferences

USUAL_RATIO = 8  # pixels a latent, where the host does not say

AUTOMATIC = "automatic"
"""In place of a sampler's or a scheduler's name: as the model wants. Of a number, 0 says so."""

PROFILED = 5  # of so many steps the first is run, as in the paper, which runs 10 of 50
LEAST_PROFILED = 2  # one step alone would decide what is sensitive


@dataclass(frozen=True)
class SamplingSettings:
    """How the prompts are denoised.

    Attributes:
        seed: of the noise that every prompt starts from.
        steps: of the whole schedule.
        profile_steps: the first steps of the schedule that are run.
        cfg: guidance scale; the negative prompt is empty.
        sampler, scheduler: names that the host knows.
        width, height: of the picture in pixels.
    """

    seed: int
    steps: int
    profile_steps: int
    cfg: float
    sampler: str
    scheduler: str
    width: int
    height: int


def filled_in(settings: SamplingSettings, wanted: Preferences) -> SamplingSettings:
    """``settings`` with what the model wants in place of 0 and of ``AUTOMATIC``.

    The first fifth of the steps is run, at least two: what is in a picture is decided there, and a
    fifth of a short schedule ends at about the noise where a fifth of a long one does.
    """
    steps = settings.steps or wanted.steps
    usual = min(steps, max(LEAST_PROFILED, round(steps / PROFILED)))
    return replace(
        settings,
        steps=steps,
        profile_steps=settings.profile_steps or usual,
        cfg=settings.cfg or wanted.cfg,
        sampler=wanted.sampler if settings.sampler == AUTOMATIC else settings.sampler,
        scheduler=wanted.scheduler if settings.scheduler == AUTOMATIC else settings.scheduler,
        width=settings.width or wanted.side,
        height=settings.height or wanted.side,
    )


def profile_sigmas(model: ModelPatcher, settings: SamplingSettings) -> torch.Tensor:
    """The first ``profile_steps`` intervals of the schedule that the host's KSampler would use.

    Raises:
        ValueError: if the host has no such sampler or scheduler, or the schedule has fewer steps.
    """
    require_choice("sampler", settings.sampler, comfy.samplers.KSampler.SAMPLERS)
    require_choice("scheduler", settings.scheduler, comfy.samplers.KSampler.SCHEDULERS)
    sigmas = comfy.samplers.KSampler(
        model,
        steps=settings.steps,
        device=model.load_device,
        sampler=settings.sampler,
        scheduler=settings.scheduler,
        model_options=model.model_options,
    ).sigmas
    available = len(sigmas) - 1
    if settings.profile_steps > available:
        raise ValueError(
            f"profile_steps: {settings.profile_steps} is more than the {available} steps of the "
            f"schedule (steps: {settings.steps}). Lower profile_steps or raise steps."
        )
    return sigmas[: settings.profile_steps + 1]


def empty_latent(model: ModelPatcher, width: int, height: int, rows: int = 1) -> torch.Tensor:
    """Latents of zeros for pictures of that many pixels, with the channels that ``model`` wants."""
    latent_format = model.get_model_object("latent_format")
    ratio = getattr(latent_format, "spacial_downscale_ratio", USUAL_RATIO)
    empty = torch.zeros(rows, 4, height // ratio, width // ratio)
    return comfy.sample.fix_empty_latent_channels(model, empty)
