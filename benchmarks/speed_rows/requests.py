"""Requests for profiles, ten profiles at SD 1.5's size, and plain sampling of the same prompts."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import comfy.sample
import comfy.samplers
from comfy.model_patcher import ModelPatcher
from comfy.utils import repeat_to_batch_size

from ...fia_core import ConceptProfile, default_contexts
from ...nodes.host.denoising.conditioning import encode_prompts, stack_prompts
from ...nodes.host.denoising.denoise import empty_latent, profile_sigmas
from ...nodes.host.profiling.concepts import profile_concepts
from ...nodes.host.profiling.request import ProfileRequest
from ..forget.settings import Prompts
from .models import Model, sd15

CONCEPTS = (
    *("church", "golf ball", "parachute", "gas pump", "garbage truck"),
    *("cassette player", "tench", "English springer", "French horn", "chain saw"),
)
SPATIAL_SPARSITY, AGNOSTIC_RATIO = 0.01, 0.6  # fractions, as the nodes have them

PROFILES = Path(__file__).resolve().parents[2] / "results" / "speed"
PROFILED = "SD 1.5 size, random weights, 10 profiles of 2 + 2 prompts, 10 steps, 64 px"


def request_for(
    concepts: Sequence[str], contexts: int, steps: int, side: int, chunk: int
) -> ProfileRequest:
    """A request for objects.

    Args:
        concepts: to profile.
        contexts: base prompts, and as many prompts for each concept.
        steps: of the schedule's 50 that are run.
        side: of the pictures, in pixels.
        chunk: prompts a denoiser call.
    """
    return Prompts(
        contexts=default_contexts("object")[:contexts],
        profile_steps=steps,
        width=side,
        height=side,
        batch_size=chunk,
    ).request(concepts)


def profile(model: Model, request: ProfileRequest) -> list[ConceptProfile]:
    """The work of Profile Concept, without its cache."""
    return profile_concepts(model.denoiser, model.clip, request)


def all_prompts(request: ProfileRequest) -> list[str]:
    """Base prompts, then each concept's."""
    own = [prompt for name in request.concepts for prompt in request.concept_prompts(name)]
    return [*request.base_prompts(), *own]


def profile_path(concept: str) -> Path:
    """Where ``ten_profiles`` keeps a concept's."""
    return PROFILES / f"{concept}.safetensors"


@cache
def ten_profiles() -> list[ConceptProfile]:
    """Of ``CONCEPTS`` at SD 1.5's true size: two contexts, ten steps, 64 pixels.

    Kept in ``results/speed``; delete that folder to make new ones.
    """
    PROFILES.mkdir(parents=True, exist_ok=True)
    paths = [profile_path(concept) for concept in CONCEPTS]
    if not all(path.exists() for path in paths):
        made = profile(sd15(), request_for(CONCEPTS, 2, 10, 64, chunk=12))
        for path, one in zip(paths, made, strict=True):
            one.save(path)
    return [ConceptProfile.load(path) for path in paths]


def sample(
    model: Model,
    prompts: Sequence[str],
    request: ProfileRequest,
    denoiser: ModelPatcher | None = None,
) -> None:
    """As many steps of ``prompts`` as the request profiles, with nothing of ours in the denoiser.

    Args:
        model: samples, with its own denoiser unless ``denoiser`` is given.
        prompts: in batches of the request's ``chunk``.
        request: size, schedule, guidance and seed.
        denoiser: a clone of the model's.
    """
    denoiser, settings = denoiser or model.denoiser, request.sampling
    latent = empty_latent(denoiser, settings.width, settings.height)
    noise = comfy.sample.prepare_noise(latent, settings.seed)
    negative = stack_prompts(encode_prompts(model.clip, ("",)))
    encoded = encode_prompts(model.clip, prompts)
    for start in range(0, len(encoded), request.chunk):
        batch = encoded[start : start + request.chunk]
        comfy.sample.sample_custom(
            denoiser,
            repeat_to_batch_size(noise, len(batch)),
            settings.cfg,
            comfy.samplers.sampler_object(settings.sampler),
            profile_sigmas(denoiser, settings),
            stack_prompts(batch),
            negative,
            repeat_to_batch_size(latent, len(batch)),
            disable_pbar=True,
            seed=settings.seed,
        )
