"""A request to Profile Concept."""

from dataclasses import dataclass

from ..denoising.request import PromptRequest


@dataclass(frozen=True)
class ProfileRequest(PromptRequest):
    """Concepts to profile, and how.

    Attributes:
        temporal_sparsity: r1 in (0, 1], a fraction.
        saliency_form: "exact" or "released".
    """

    temporal_sparsity: float = 0.05
    saliency_form: str = "exact"
