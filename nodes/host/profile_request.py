"""What Profile Concept is asked for, and its prompts as the text encoder understands them."""

from collections.abc import Sequence
from dataclasses import dataclass

from comfy.sd import CLIP

from ...fia_core import PromptTemplates, base_prompts, concept_prompts
from .conditioning import Conditioning, EncodedPrompt, encode_prompts, stack_prompts
from .denoise import SamplingSettings


@dataclass(frozen=True)
class ProfileRequest:
    """What to profile and how.

    Attributes:
        concepts: the words of each concept.
        kind: "object", "explicit content" or "art style".
        contexts: places, persons or objects; base prompts and every concept's prompts use all.
        templates: of the prompts.
        sampling: how they are denoised.
        temporal_sparsity: r1, a fraction.
        saliency_form: "exact" or "released".
        chunk: prompts that share a denoiser call; 0 chooses by free memory.
    """

    concepts: tuple[str, ...]
    kind: str
    contexts: tuple[str, ...]
    templates: PromptTemplates
    sampling: SamplingSettings
    temporal_sparsity: float
    saliency_form: str
    chunk: int

    def base_prompts(self) -> tuple[str, ...]:
        return base_prompts(self.templates, self.contexts)

    def concept_prompts(self, concept: str) -> tuple[str, ...]:
        return concept_prompts(self.templates, concept, self.contexts)


class RequestPrompts:
    """Every prompt of a request, encoded once."""

    def __init__(self, clip: CLIP, request: ProfileRequest) -> None:
        self.base = encode_prompts(clip, request.base_prompts())
        self.empty = encode_prompts(clip, ("",))
        self.of_concept: dict[str, list[EncodedPrompt]] = {
            concept: encode_prompts(clip, request.concept_prompts(concept))
            for concept in request.concepts
        }

    def positive(self, concepts: Sequence[str]) -> Conditioning:
        """A row for each base prompt, then for each prompt of each concept."""
        return stack_prompts(sum((self.of_concept[name] for name in concepts), start=self.base))

    def negative(self) -> Conditioning:
        return stack_prompts(self.empty)
