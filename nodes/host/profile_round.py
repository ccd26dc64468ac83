"""One round of profiling: the base prompts and some concepts' prompts, denoised together."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict

import torch
from comfy.model_patcher import ModelPatcher

from ...fia_core import ConceptProfile
from ...fia_core.values import Settings
from .capture import Ffn2Capture
from .denoise import denoise_prompts
from .identity import model_identity
from .layers import find_ffn2_layers, layer_shapes
from .profile_request import ProfileRequest, RequestPrompts
from .progress import ProfileProgress
from .step_statistics import StepStatistics


def profile_round(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    concepts: Sequence[str],
    progress: ProfileProgress,
) -> list[ConceptProfile]:
    """Profiles of ``concepts``, in order. The layers of ``model`` are hooked only meanwhile."""
    model = model.clone()  # gets wrappers
    layers = find_ffn2_layers(model)
    statistics = StepStatistics(
        layer_shapes(layers),
        concepts=len(concepts),
        group=len(prompts.base),
        temporal_sparsity=request.temporal_sparsity,
        saliency_form=request.saliency_form,
        device=model.load_device,
    )
    watch = _RoundObserver(Ffn2Capture(layers, statistics.add), statistics, progress)
    identity = model_identity(model)
    progress.begin(concepts)
    with watch.capture.attached():
        denoise_prompts(
            model,
            prompts.positive(concepts),
            prompts.negative(),
            request.sampling,
            request.chunk,
            watch,
        )
    settings = _settings(model, request)
    return [
        ConceptProfile(
            concept=concept,
            kind=request.kind,
            concept_prompts=request.concept_prompts(concept),
            base_prompts=request.base_prompts(),
            settings=settings,
            model=identity,
            layers=statistics.sensitivities(position),
        )
        for position, concept in enumerate(concepts)
    ]


def _settings(model: ModelPatcher, request: ProfileRequest) -> Settings:
    """What a profile records of how it was made."""
    return {
        **asdict(request.sampling),
        "temporal_sparsity": request.temporal_sparsity,
        "saliency_form": request.saliency_form,
        "precision": str(model.model_dtype()).removeprefix("torch."),
        "model_weights": sum(math.prod(p.shape) for p in model.model.diffusion_model.parameters()),
    }


class _RoundObserver:
    """What the denoiser tells goes to the capture, the statistics and the page."""

    def __init__(
        self, capture: Ffn2Capture, statistics: StepStatistics, progress: ProfileProgress
    ) -> None:
        self.capture = capture
        self.statistics = statistics
        self.progress = progress

    def prompts(self, rows: range) -> AbstractContextManager[None]:
        return self.capture.prompts(rows)

    def forward(self, cond_or_uncond: list[int]) -> None:
        self.capture.forward(cond_or_uncond)

    def denoised(self, rows: range, latents: torch.Tensor) -> None:
        self.progress.advance(rows, latents)

    def finish_step(self) -> None:
        self.statistics.finish_step()
