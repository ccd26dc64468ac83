"""One round of profiling: the base prompts and some concepts' prompts, denoised together."""

import math
from collections.abc import Sequence
from dataclasses import asdict

import torch
from comfy.model_patcher import ModelPatcher

from ....fia_core import ConceptProfile, ModelIdentity
from ....fia_core.files.values import Settings
from ..denoising.conditioning import RequestPrompts
from ..denoising.memory import FittingCalls
from ..denoising.progress import ProfileProgress
from ..denoising.watch import watch_layers
from ..model.layers import find_ffn2_layers, layer_shapes
from .request import ProfileRequest
from .state_plan import StatePlan
from .step_statistics import StepStatistics


def profile_round(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    concepts: Sequence[str],
    identity: ModelIdentity,
    plan: StatePlan,
    calls: FittingCalls,
    progress: ProfileProgress,
) -> list[ConceptProfile]:
    """Profiles of ``concepts``, in order.

    The layers of ``model`` are hooked only meanwhile.
    """
    layers = find_ffn2_layers(model)
    group = len(request.base_prompts())

    def watch(chunk: int) -> StepStatistics:
        statistics = StepStatistics(
            layer_shapes(layers),
            concepts=len(concepts),
            group=group,
            temporal_sparsity=request.temporal_sparsity,
            saliency_form=request.saliency_form,
            plan=plan,
            device=torch.device(model.load_device),
        )
        progress.begin(concepts)
        watch_layers(
            model,
            layers,
            prompts.by_concept(concepts),
            _in_whole_groups(chunk, group),
            statistics.add,
            weights=torch.abs,
            finish_step=statistics.finish_step,
            denoised=progress.advance,
        )
        return statistics

    statistics = calls.run(watch)
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


def _in_whole_groups(chunk: int, group: int) -> int:
    """``chunk`` rounded down to whole groups, where it holds one.

    ``StepStatistics`` keeps least between two calls where the first ends with a whole group.
    """
    return chunk - chunk % group if chunk > group else chunk


def _settings(model: ModelPatcher, request: ProfileRequest) -> Settings:
    """A profile's record of how it was made."""
    return {
        **asdict(request.sampling),
        "temporal_sparsity": request.temporal_sparsity,
        "saliency_form": request.saliency_form,
        "precision": str(model.model_dtype()).removeprefix("torch."),
        "model_weights": sum(math.prod(p.shape) for p in model.model.diffusion_model.parameters()),
    }
