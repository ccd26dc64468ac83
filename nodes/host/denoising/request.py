"""A request to denoise prompts with and without concepts, and what makes it doubtful."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from comfy import supported_models
from comfy.model_patcher import ModelPatcher

from ....fia_core import PromptTemplates, base_prompts, concept_prompts
from ..model.preferences import Preferences, preferences

FEW_CONTEXTS = 5
COMMAS = ",，、"
SMALL = 500_000  # pixels of a picture, for families that are made for more
AUTOMATIC = "automatic"
"""In place of a sampler's or a scheduler's name: as the model wants. Of a number, 0 says so."""

PROFILED = 5  # of so many steps the first is run, as in the paper, which runs 10 of 50
LEAST_PROFILED = 2  # one step alone would decide what is sensitive


@dataclass(frozen=True)
class SamplingSettings:
    """How prompts are denoised.

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


@dataclass(frozen=True)
class PromptRequest:
    """Concepts, the prompts that are made of them, and how these are denoised.

    Attributes:
        concepts: the words of each concept.
        kind: "object", "explicit content" or "art style".
        contexts: places, persons or objects; base prompts and every concept's prompts use all.
        templates: of the prompts.
        sampling: how they are denoised.
        chunk: prompts a denoiser call; 0 chooses by free memory.
        chosen: in words, how prompts are denoised where the node chose; else empty.
    """

    concepts: tuple[str, ...]
    kind: str
    contexts: tuple[str, ...]
    templates: PromptTemplates
    sampling: SamplingSettings
    chunk: int = 0
    chosen: str = ""

    def base_prompts(self) -> tuple[str, ...]:
        """The prompts without a concept, one a context."""
        return base_prompts(self.templates, self.contexts)

    def concept_prompts(self, concept: str) -> tuple[str, ...]:
        """The prompts of a concept, one a context."""
        return concept_prompts(self.templates, concept, self.contexts)


def comma_doubts(concepts: Sequence[str]) -> list[str]:
    """A sentence for each concept that may have been meant as several."""
    return [
        f"{concept!r} counts as one concept: write one a line."
        for concept in concepts
        if set(COMMAS) & set(concept)
    ]


def doubts(model: ModelPatcher, request: PromptRequest) -> list[str]:
    """A sentence for each thing about a request that its writer may not have meant."""
    sampling, config = request.sampling, model.model.model_config
    found = comma_doubts(request.concepts)
    wanted = preferences(model)
    is_turbo = isinstance(config, supported_models.SDXL) and sampling.cfg == 1  # made for 512
    if sampling.width * sampling.height < SMALL < wanted.side**2 and wanted.known and not is_turbo:
        size = f"{sampling.width} × {sampling.height}"
        found.append(f"Profiled at {size}: {wanted.family} is made for {wanted.side}.")
    if request.chosen and not wanted.known:
        found.append(
            f"What {wanted.family} wants is not known: write width, height, steps, cfg, sampler "
            "and scheduler as you draw pictures with it."
        )
    if config.unet_config.get("guidance_embed") and sampling.cfg > 1:
        found.append(f"cfg {sampling.cfg:g}: this model draws at 1.")
    if len(request.contexts) < FEW_CONTEXTS:
        found.append(f"Only {len(request.contexts)} contexts: the result depends on chance.")
    return found
