"""A request to denoise prompts with and without concepts, and what makes it doubtful."""

from dataclasses import dataclass

from comfy import supported_models
from comfy.model_patcher import ModelPatcher

from ....fia_core import PromptTemplates, base_prompts, concept_prompts

FEW_CONTEXTS = 5
COMMAS = ",，、"
SMALL = 500_000  # pixels of a picture
SIDES = {
    supported_models.SDXL: "1024",
    supported_models.SD3: "1024",
    supported_models.Flux: "1024",
    supported_models.Lumina2: "1024",
    supported_models.QwenImage: "1328",
}
"""Families made for larger pictures than ``SMALL``, and for which sides, in pixels. The host
derives Flux.2 from Flux, and Z-Image from Lumina 2."""


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
    """

    concepts: tuple[str, ...]
    kind: str
    contexts: tuple[str, ...]
    templates: PromptTemplates
    sampling: SamplingSettings
    chunk: int = 0

    def base_prompts(self) -> tuple[str, ...]:
        """The prompts without a concept, one a context."""
        return base_prompts(self.templates, self.contexts)

    def concept_prompts(self, concept: str) -> tuple[str, ...]:
        """The prompts of a concept, one a context."""
        return concept_prompts(self.templates, concept, self.contexts)


def doubts(model: ModelPatcher, request: PromptRequest) -> list[str]:
    """A sentence for each thing about a request that its writer may not have meant."""
    sampling, config = request.sampling, model.model.model_config
    found = [
        f"{concept!r} counts as one concept: write one a line."
        for concept in request.concepts
        if set(COMMAS) & set(concept)
    ]
    side = next((side for family, side in SIDES.items() if isinstance(config, family)), None)
    is_turbo = isinstance(config, supported_models.SDXL) and sampling.cfg == 1  # made for 512
    if side and sampling.width * sampling.height < SMALL and not is_turbo:
        size = f"{sampling.width} × {sampling.height}"
        found.append(f"Profiled at {size}: {type(config).__name__} is made for {side}.")
    if config.unet_config.get("guidance_embed") and sampling.cfg > 1:
        found.append(f"cfg {sampling.cfg:g}: this model draws at 1.")
    if len(request.contexts) < FEW_CONTEXTS:
        found.append(f"Only {len(request.contexts)} contexts: the result depends on chance.")
    return found
