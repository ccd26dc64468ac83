"""A request to Profile Concept, and its prompts as the text encoder understands them."""

from collections.abc import Sequence
from dataclasses import dataclass

from comfy.sd import CLIP

from ....fia_core import PromptTemplates, base_prompts, concept_prompts
from .conditioning import Conditioning, EncodedPrompt, encode_prompts, stack_prompts
from .sampling import SamplingSettings

EMPTY_PROMPT = ""  # the negative one


@dataclass(frozen=True)
class ProfileRequest:
    """Concepts to profile, and how.

    Attributes:
        concepts: the words of each concept.
        kind: "object", "explicit content" or "art style".
        contexts: places, persons or objects; base prompts and every concept's prompts use all.
        templates: of the prompts.
        sampling: how they are denoised.
        temporal_sparsity: r1 of profiles, a fraction.
        saliency_form: of profiles, "exact" or "released".
        chunk: prompts that share a denoiser call; 0 chooses by free memory.
        chosen: in words, how prompts are denoised where the node chose; else empty.
    """

    concepts: tuple[str, ...]
    kind: str
    contexts: tuple[str, ...]
    templates: PromptTemplates
    sampling: SamplingSettings
    temporal_sparsity: float = 0.05
    saliency_form: str = "exact"
    chunk: int = 0
    chosen: str = ""

    def base_prompts(self) -> tuple[str, ...]:
        return base_prompts(self.templates, self.contexts)

    def concept_prompts(self, concept: str) -> tuple[str, ...]:
        return concept_prompts(self.templates, concept, self.contexts)


class RequestPrompts:
    """The prompts of a request, each encoded once, when it is first needed."""

    def __init__(self, clip: CLIP, request: ProfileRequest) -> None:
        self._clip = clip
        self._request = request
        self._encoded: dict[str, EncodedPrompt] = {}

    def encode(self, concepts: Sequence[str]) -> None:
        """Encode now all that the profiles of ``concepts`` need."""
        self.encoded((*self._texts(concepts), EMPTY_PROMPT))

    def positive(self, concepts: Sequence[str]) -> Conditioning:
        """The prompts encoded: a row for each base prompt, then for each prompt of each concept."""
        return stack_prompts(self.encoded(self._texts(concepts)))

    def by_scene(self, concepts: Sequence[str], most: int | None = None) -> Conditioning:
        """The rows of ``positive`` one scene after another: its base prompt, then each concept's
        prompt.

        Args:
            most: scenes, the first ones; all by default.
        """
        groups = [self._request.base_prompts(), *map(self._request.concept_prompts, concepts)]
        scenes = list(zip(*groups, strict=True))[:most]
        return stack_prompts(self.encoded([text for scene in scenes for text in scene]))

    def negative(self) -> Conditioning:
        return stack_prompts(self.encoded((EMPTY_PROMPT,)))

    def _texts(self, concepts: Sequence[str]) -> list[str]:
        texts = [*self._request.base_prompts()]
        for concept in concepts:
            texts += self._request.concept_prompts(concept)
        return texts

    def encoded(self, prompts: Sequence[str]) -> list[EncodedPrompt]:
        """Each prompt as the text encoder understands it, in order."""
        new = [prompt for prompt in prompts if prompt not in self._encoded]
        self._encoded |= zip(new, encode_prompts(self._clip, new), strict=True)
        return [self._encoded[prompt] for prompt in prompts]
