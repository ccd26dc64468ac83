"""One round of profiling: the base prompts and some concepts' prompts, denoised together."""

import math
from collections.abc import Sequence
from dataclasses import asdict

import torch
from comfy.model_patcher import ModelPatcher

from ....fia_core import ConceptProfile, ModelIdentity
from ....fia_core.files.values import Settings
from ..denoising.denoise import StepObserver, denoise_prompts
from ..denoising.memory import in_calls_that_fit
from ..denoising.progress import ProfileProgress
from ..denoising.request import ProfileRequest, RequestPrompts
from ..denoising.watch import Ffn2Capture
from ..model.layers import find_ffn2_layers, layer_shapes
from .state_plan import StatePlan
from .step_statistics import StepStatistics


def profile_round(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    concepts: Sequence[str],
    identity: ModelIdentity,
    plan: StatePlan,
    progress: ProfileProgress,
) -> tuple[list[ConceptProfile], int]:
    """Profiles of ``concepts``, in order, and how many prompts a denoiser call had in the end.

    The layers of ``model`` are hooked only meanwhile.
    """
    shapes = layer_shapes(find_ffn2_layers(model))
    group = len(request.base_prompts())

    def watch(chunk: int) -> StepStatistics:
        statistics = StepStatistics(
            shapes,
            concepts=len(concepts),
            group=group,
            temporal_sparsity=request.temporal_sparsity,
            saliency_form=request.saliency_form,
            plan=plan,
            device=torch.device(model.load_device),
        )
        chunk = _in_whole_groups(chunk, group)
        progress.begin(concepts)
        _watch(model, request, prompts, concepts, chunk, statistics, progress)
        return statistics

    statistics, chunk = in_calls_that_fit(watch, plan.chunk)
    settings = _settings(model, request)
    profiles = [
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
    return profiles, chunk


def _in_whole_groups(chunk: int, group: int) -> int:
    """Prompts a call, at most ``chunk``, so that no part of a group is beside a whole one.

    Least lies between two calls where the first ends with a whole group (``StepStatistics``).
    """
    return chunk - chunk % group if chunk > group else chunk


def _watch(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    concepts: Sequence[str],
    chunk: int,
    statistics: StepStatistics,
    progress: ProfileProgress,
) -> None:
    """Denoise the round's prompts and let ``statistics`` see what the layers do."""
    capture = Ffn2Capture(find_ffn2_layers(model), statistics.add)
    with capture.attached():
        denoise_prompts(
            model,
            prompts.positive(concepts),
            prompts.negative(),
            request.sampling,
            chunk,
            StepObserver(
                capture.prompts, capture.forward, statistics.finish_step, progress.advance
            ),
        )


def _settings(model: ModelPatcher, request: ProfileRequest) -> Settings:
    """A profile's record of how it was made."""
    return {
        **asdict(request.sampling),
        "temporal_sparsity": request.temporal_sparsity,
        "saliency_form": request.saliency_form,
        "precision": str(model.model_dtype()).removeprefix("torch."),
        "model_weights": sum(math.prod(p.shape) for p in model.model.diffusion_model.parameters()),
    }
