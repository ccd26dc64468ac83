"""Settings that several methods share, as in the nodes' dialogs: percentages, texts as lists."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from ...fia_core import (
    DEFAULT_CONTEXT_COUNT,
    default_contexts,
    default_templates,
)
from ...nodes.fields.shared import fraction
from ...nodes.host.denoising.request import SamplingSettings
from ...nodes.host.profiling.request import ProfileRequest


class Prompts(BaseModel):
    """The prompts of Profile Concept, and how they are sampled.

    Attributes:
        contexts: the first of the paper's for the kind where empty.
        batch_size: prompts a denoiser call; 0 leaves it to the method.
    """

    model_config = ConfigDict(frozen=True)

    kind: str = "object"
    contexts: tuple[str, ...] = ()
    seed: int = 0
    steps: int = 50
    profile_steps: int = 10
    cfg: float = 7.5
    sampler: str = "euler"
    scheduler: str = "normal"
    width: int = 512
    height: int = 512
    batch_size: int = 0

    def request(self, concepts: Sequence[str]) -> ProfileRequest:
        """A request for ``concepts``."""
        return ProfileRequest(
            concepts=tuple(concepts),
            kind=self.kind,
            contexts=self.contexts or default_contexts(self.kind)[:DEFAULT_CONTEXT_COUNT],
            templates=default_templates(self.kind),
            sampling=SamplingSettings(
                self.seed,
                self.steps,
                self.profile_steps,
                self.cfg,
                self.sampler,
                self.scheduler,
                self.width,
                self.height,
            ),
            chunk=self.batch_size,
        )


class Profiling(Prompts):
    """All that makes a profile."""

    temporal_sparsity: float = 5.0
    saliency_form: str = "exact"

    def request(self, concepts: Sequence[str]) -> ProfileRequest:
        """A request for ``concepts``."""
        return replace(
            super().request(concepts),
            temporal_sparsity=fraction(self.temporal_sparsity),
            saliency_form=self.saliency_form,
        )


class Masking(BaseModel):
    """Build Concept Mask and Fuse Masks."""

    model_config = ConfigDict(frozen=True)

    spatial_sparsity: float = 1.0
    granularity: str = "both"
    agnostic_ratio: float = 60.0
