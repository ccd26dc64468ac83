"""Rows in which the denoiser runs: profiling, the whole procedure, a patched model."""

from dataclasses import replace
from typing import Any

from comfy.model_management import load_models_gpu

from .authors import authors_masks
from .bench import Bench
from .figures import Figure
from .measuring import interleaved, seconds
from .models import sd15
from .sampling import all_prompts, profile, profile_request, sample
from .settings import AGNOSTIC_RATIO, CONCEPTS, SPATIAL_SPARSITY

HALF = 160  # channels, of SD 1.5's 320: statistics and denoiser both take a quarter of the time
HALF_WORDS = "SD 1.5's blocks at half its width, float32"


def profiling(bench: Bench) -> list[Figure]:
    """One concept, against plain sampling of the same prompts."""
    extension, model = bench.extension, sd15(channels=HALF)
    request = profile_request(extension, CONCEPTS[:1], 2, 1, bench.side, chunk=4)
    prompts = all_prompts(request)
    times = interleaved(
        lambda: sample(extension, model, prompts, request, steps=1),
        lambda: profile(extension, model, request),
        bench.rounds,
        warm_up=False,
    )
    return [
        bench.figure(
            "profile one concept",
            times.ratios,
            against="plain sampling of the same prompts and steps",
            goal=1.10,
            conditions=f"{HALF_WORDS}, 2 + 2 prompts, 1 step, {bench.side} px",
        )
    ]


def ten_concepts(bench: Bench) -> list[Figure]:
    """Ten concepts of a kind, against ten times one."""
    extension, model = bench.extension, sd15(channels=HALF)
    one = profile_request(extension, CONCEPTS[:1], 5, 1, 128, chunk=5)
    ten = profile_request(extension, CONCEPTS, 5, 1, 128, chunk=5)
    times = interleaved(
        lambda: profile(extension, model, one),
        lambda: profile(extension, model, ten),
        bench.rounds,
    )
    return [
        bench.figure(
            "profile ten concepts",
            [ratio / 10 for ratio in times.ratios],
            against="ten times one",
            goal=0.60,
            conditions=f"{HALF_WORDS}, 5 base prompts and 5 a concept, 1 step, 128 px",
        )
    ]


def procedure(bench: Bench) -> list[Figure]:
    """From prompts to masks, against the authors' procedure at equal prompts and steps."""
    extension, model = bench.extension, sd15(channels=64)
    core = bench.core
    request = profile_request(extension, CONCEPTS[:5], 2, 5, 128, chunk=16, schedule=25)

    def ours() -> list[Any]:
        return [
            core.build_concept_mask(made, SPATIAL_SPARSITY)
            for made in profile(extension, model, request)
        ]

    def theirs() -> list[Any]:
        return authors_masks(extension, model, request)

    shared = _jaccard(bench, ours(), theirs())
    times = interleaved(ours, theirs, bench.rounds, warm_up=False)
    return [
        bench.figure(
            "whole procedure, five concepts",
            times.ratios,
            "× faster",
            "the authors' procedure",
            8,
            at_least=True,
            conditions=(
                "SD 1.5's blocks at a fifth of its width, 2 base prompts and 2 a concept, 5 of 25 "
                f"steps, 128 px; the masks of both share {shared:.1%} (Jaccard)"
            ),
        )
    ]


def _jaccard(bench: Bench, ours: list[Any], theirs: list[dict[str, Any]]) -> float:
    """Weights in both ways' masks, of those in either's."""
    both = either = 0
    for mask, layers in zip(ours, theirs, strict=True):
        overlap = bench.core.concept_overlap([mask, replace(mask, layers=layers)], [True] * 2, mask)
        both += int(overlap.shared[0, 1])
        either += int(overlap.own.sum() - overlap.shared[0, 1])
    return both / either


def change(bench: Bench) -> list[Figure]:
    """From a moved slider to the patched weights."""
    core, model = bench.core, bench.sd15.denoiser
    apply = bench.extension.module("nodes.host.erasing.weight_patch").apply_neuron_mask
    masks = [core.build_concept_mask(profile, SPATIAL_SPARSITY) for profile in bench.profiles]
    fused = core.fuse_neuron_masks(masks, AGNOSTIC_RATIO).mask

    def patch(mask: Any, strength: float) -> None:
        load_models_gpu([apply(model, mask, strength)], force_patch_weights=True)

    def strength(number: int) -> None:
        patch(fused, 1 + number / 100)

    def ratio(number: int) -> None:
        patch(core.fuse_neuron_masks(masks, AGNOSTIC_RATIO + number / 100).mask, 1.0)

    def sparsity(number: int) -> None:
        changed = SPATIAL_SPARSITY + number / 10_000
        patch(core.build_concept_mask(bench.profiles[0], changed), 1.0)

    def sparsity_of_ten(number: int) -> None:
        changed = SPATIAL_SPARSITY + number / 10_000
        built = [core.build_concept_mask(profile, changed) for profile in bench.profiles]
        patch(core.fuse_neuron_masks(built, AGNOSTIC_RATIO).mask, 1.0)

    figures = []
    for title, work in (
        ("strength of a mask of ten concepts", strength),
        ("agnostic ratio of ten concepts", ratio),
        ("sparsity of one concept", sparsity),
        ("sparsity of ten concepts at once", sparsity_of_ten),
    ):
        work(0)
        taken = [seconds(lambda: work(number)) for number in range(1, bench.rounds + 1)]  # noqa: B023
        figures.append(
            bench.figure(
                f"change the {title}",
                taken,
                "s",
                goal=1.0,
                conditions="SD 1.5 size, float32, until the model is patched",
            )
        )
    return figures


def masked(bench: Bench) -> list[Figure]:
    """Sampling with a mask, against sampling without."""
    extension, model = bench.extension, bench.sd15
    mask = bench.core.build_concept_mask(bench.profiles[0], SPATIAL_SPARSITY)
    apply = extension.module("nodes.host.erasing.weight_patch").apply_neuron_mask
    request = profile_request(extension, CONCEPTS[:1], 2, 1, 64, chunk=1)
    erased = apply(model.denoiser, mask, 1.0)

    def run(denoiser: Any) -> float:
        load_models_gpu([denoiser])
        return seconds(lambda: sample(extension, model, ["a church"], request, 4, denoiser))

    run(model.denoiser)
    run(erased)
    ratios = []
    for number in range(bench.rounds):
        if number % 2:
            plain, with_mask = run(model.denoiser), run(erased)
        else:
            with_mask, plain = run(erased), run(model.denoiser)
        ratios.append(with_mask / plain)
    return [
        bench.figure(
            "sampling with a mask",
            ratios,
            against="without",
            goal=1.0,
            conditions="SD 1.5 size, float32, 1 prompt, 4 steps, 64 px; patched before",
        )
    ]
