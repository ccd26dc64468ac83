"""Rows in which the denoiser runs: profiling, Forget LoRA, a masked model."""

from collections.abc import Iterator
from functools import partial

from comfy.model_management import load_models_gpu
from comfy.model_patcher import ModelPatcher

from ...demo_model.loader import load_demo_model
from ...fia_core import build_concept_mask
from ...nodes.host.applying.weight_patch import apply_neuron_mask
from ...nodes.host.forgetting.forget import Wish
from ...nodes.host.forgetting.forget import forget_lora as lora_of
from ...nodes.host.profiling.request import ProfileRequest
from .figures import Figure
from .measuring import ratios, seconds
from .models import Model, sd15
from .requests import (
    CONCEPTS,
    SPATIAL_SPARSITY,
    all_prompts,
    profile,
    request_for,
    sample,
    ten_profiles,
)

HALF = 160  # channels, of SD 1.5's 320: statistics and denoiser both take a quarter of the time
HALF_WORDS = "SD 1.5's blocks at half its width, float32"
DEMO_WORDS = "Demo Model, 10 + 10 prompts, 10 steps, 128 px"


def profiling_demo(rounds: int) -> Iterator[Figure]:
    """One concept with the Demo Model, against plain sampling of the same prompts."""
    yield _against_sampling(*_demo(), rounds, DEMO_WORDS)


def profiling(rounds: int) -> Iterator[Figure]:
    """The same with a larger model."""
    model = sd15(channels=HALF)
    for side in (512, 256):
        request = request_for(CONCEPTS[:1], 2, 1, side, chunk=4)
        words = f"{HALF_WORDS}, 2 + 2 prompts, 1 step, {side} px"
        yield _against_sampling(model, request, rounds, words)


def _against_sampling(model: Model, request: ProfileRequest, rounds: int, words: str) -> Figure:
    plain = partial(sample, model, all_prompts(request), request)
    return Figure(
        "profile one concept",
        ratios(partial(profile, model, request), plain, rounds),
        against="plain sampling of the same prompts and steps",
        conditions=words,
    )


def ten_concepts(rounds: int) -> Iterator[Figure]:
    """Ten concepts of a kind, against ten times one."""
    model = sd15(channels=HALF)
    one, ten = (request_for(names, 5, 1, 128, chunk=5) for names in (CONCEPTS[:1], CONCEPTS))
    found = ratios(partial(profile, model, ten), partial(profile, model, one), rounds)
    yield Figure(
        "profile ten concepts",
        [ratio / 10 for ratio in found],
        against="ten times one",
        conditions=f"{HALF_WORDS}, 5 base prompts and 5 a concept, 1 step, 128 px",
    )


def forget_lora(rounds: int) -> Iterator[Figure]:
    """The node's work for one concept, against a profile."""
    model, request = _demo()

    def forget() -> None:
        denoiser = model.denoiser.clone()  # the node keeps what it has read of a model
        lora_of(denoiser, model.clip, Wish(CONCEPTS[:1]))

    yield Figure(
        "Forget LoRA of one concept",
        ratios(forget, partial(profile, model, request), rounds),
        against="profile of the same concept",
        conditions=DEMO_WORDS,
    )


def masked(rounds: int) -> Iterator[Figure]:
    """Sampling with a mask, against sampling without."""
    model = sd15()
    mask = build_concept_mask(ten_profiles()[0], SPATIAL_SPARSITY)
    request = request_for(CONCEPTS[:1], 2, 4, 64, chunk=1)
    erased = apply_neuron_mask(model.denoiser, mask, 1.0)

    def run(denoiser: ModelPatcher) -> float:
        load_models_gpu([denoiser])
        return seconds(lambda: sample(model, ["a church"], request, denoiser))

    yield Figure(
        "sampling with a mask",
        ratios(
            lambda: run(erased), lambda: run(model.denoiser), rounds, measured=lambda timed: timed()
        ),
        against="without",
        conditions="SD 1.5 size, float32, 1 prompt, 4 steps, 64 px; patched before",
    )


def _demo() -> tuple[Model, ProfileRequest]:
    """The Demo Model, and the request of its template for one concept."""
    bundled = load_demo_model()
    request = request_for(CONCEPTS[:1], 10, 10, 128, chunk=20)
    return Model(bundled.model, bundled.clip), request
