"""Profiling, and plain sampling of the same prompts, both in the same host."""

from collections.abc import Sequence
from typing import Any

import comfy.sample
import comfy.samplers
import torch
from comfy.utils import repeat_to_batch_size

from workbench.in_process import Extension

from .models import Model
from .settings import SCHEDULE, TEMPORAL_SPARSITY


def profile_request(
    extension: Extension,
    concepts: Sequence[str],
    contexts: int,
    profile_steps: int,
    side: int,
    chunk: int,
    schedule: int = SCHEDULE,
) -> Any:
    """A ProfileRequest for objects: ``contexts`` base prompts and as many for each concept."""
    core = extension.core
    sampling = extension.module("nodes.host.profiling.sampling").SamplingSettings(
        seed=0,
        steps=schedule,
        profile_steps=profile_steps,
        cfg=7.5,
        sampler="euler",
        scheduler="normal",
        width=side,
        height=side,
    )
    return extension.module("nodes.host.profiling.request").ProfileRequest(
        concepts=tuple(concepts),
        kind="object",
        contexts=core.default_contexts("object")[:contexts],
        templates=core.default_templates("object"),
        sampling=sampling,
        temporal_sparsity=TEMPORAL_SPARSITY,
        saliency_form="exact",
        chunk=chunk,
    )


def profile(extension: Extension, model: Model, request: Any) -> list[Any]:
    """The work of Profile Concept, without its cache."""
    profiling = extension.module("nodes.host.profiling.concepts")
    return profiling.profile_concepts(model.denoiser, model.clip, request)


def all_prompts(request: Any) -> list[str]:
    """Base prompts, then each concept's."""
    return sum(
        (list(request.concept_prompts(concept)) for concept in request.concepts),
        start=list(request.base_prompts()),
    )


def sample(
    extension: Extension,
    model: Model,
    prompts: Sequence[str],
    request: Any,
    steps: int,
    denoiser: Any = None,
) -> None:
    """The first ``steps`` of the schedule for ``prompts``, with nothing of ours in the denoiser.

    Args:
        extension: for its helpers that encode prompts; the host samples.
        model: samples, with its own denoiser unless ``denoiser`` is given.
        prompts: in batches of the request's ``chunk``.
        request: size, schedule, guidance and seed.
        steps: of the schedule's.
        denoiser: a clone of the model's.
    """
    conditioning = extension.module("nodes.host.profiling.conditioning")
    denoiser = denoiser or model.denoiser
    settings = request.sampling
    sigmas = comfy.samplers.KSampler(
        denoiser,
        steps=settings.steps,
        device=denoiser.load_device,
        sampler=settings.sampler,
        scheduler=settings.scheduler,
    ).sigmas[: steps + 1]
    latent = torch.zeros(1, 4, settings.height // 8, settings.width // 8)
    noise = comfy.sample.prepare_noise(latent, settings.seed)
    negative = conditioning.stack_prompts(conditioning.encode_prompts(model.clip, ("",)))
    encoded = conditioning.encode_prompts(model.clip, prompts)
    for start in range(0, len(encoded), request.chunk):
        batch = encoded[start : start + request.chunk]
        comfy.sample.sample_custom(
            denoiser,
            repeat_to_batch_size(noise, len(batch)),
            settings.cfg,
            comfy.samplers.sampler_object(settings.sampler),
            sigmas,
            conditioning.stack_prompts(batch),
            negative,
            repeat_to_batch_size(latent, len(batch)),
            disable_pbar=True,
            seed=settings.seed,
        )
