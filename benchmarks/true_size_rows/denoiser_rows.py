"""Rows in which the denoiser runs: profiling, the whole procedure, a patched model."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from comfy.model_management import load_models_gpu

from .authors import authors_masks
from .bench import Bench
from .figures import Figure
from .measuring import interleaved, repeated, seconds
from .models import sd15
from .sampling import all_prompts, profile, profile_request, sample
from .settings import AGNOSTIC_RATIO, CONCEPTS, SPATIAL_SPARSITY

HALF = 160  # channels, of SD 1.5's 320: statistics and denoiser both take a quarter of the time
HALF_WORDS = "SD 1.5's blocks at half its width, float32"


def profiling(bench: Bench) -> Iterator[Figure]:
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
    yield Figure(
        "profile one concept",
        times.ratios,
        against="plain sampling of the same prompts and steps",
        goal=1.02 if bench.side >= 512 else 1.06,
        conditions=f"{HALF_WORDS}, 2 + 2 prompts, 1 step, {bench.side} px",
    )


def ten_concepts(bench: Bench) -> Iterator[Figure]:
    """Ten concepts of a kind, against ten times one."""
    extension, model = bench.extension, sd15(channels=HALF)
    one, ten = (
        profile_request(extension, names, 5, 1, 128, chunk=5) for names in (CONCEPTS[:1], CONCEPTS)
    )
    times = interleaved(
        lambda: profile(extension, model, one),
        lambda: profile(extension, model, ten),
        bench.rounds,
    )
    yield Figure(
        "profile ten concepts",
        [ratio / 10 for ratio in times.ratios],
        against="ten times one",
        goal=0.60,
        conditions=f"{HALF_WORDS}, 5 base prompts and 5 a concept, 1 step, 128 px",
    )


def procedure(bench: Bench) -> Iterator[Figure]:
    """From prompts to masks, against the authors' procedure at equal prompts and steps."""
    extension, model = bench.extension, sd15(channels=64)
    request = profile_request(extension, CONCEPTS[:5], 2, 5, 128, chunk=16, schedule=25)

    def ours() -> list[Any]:
        profiles = profile(extension, model, request)
        return [bench.core.build_concept_mask(made, SPATIAL_SPARSITY) for made in profiles]

    def theirs() -> list[Any]:
        return authors_masks(extension, model, request)

    shared = _jaccard(bench, ours(), theirs())
    times = interleaved(ours, theirs, bench.rounds, warm_up=False)
    yield Figure(
        "whole procedure, five concepts",
        times.ratios,
        "× faster",
        "the authors' procedure",
        8,
        at_least=True,
        conditions="SD 1.5's blocks at a fifth of its width, 2 base prompts and 2 a concept, 5 of "
        f"25 steps, 128 px; the masks of both share {shared:.1%} (Jaccard)",
    )


def _jaccard(bench: Bench, ours: list[Any], theirs: list[dict[str, Any]]) -> float:
    """Weights in both ways' masks, of those in either's."""
    both = either = 0
    for mask, layers in zip(ours, theirs, strict=True):
        overlap = bench.core.concept_overlap([mask, replace(mask, layers=layers)], [True] * 2, mask)
        both += int(overlap.shared[0, 1])
        either += int(overlap.own.sum() - overlap.shared[0, 1])
    return both / either


def change(bench: Bench) -> Iterator[Figure]:
    """From a moved slider to the patched weights."""
    core, model = bench.core, bench.sd15.denoiser
    apply = bench.extension.module("nodes.host.erasing.weight_patch").apply_neuron_mask

    def built(number: int = 0, count: int = len(CONCEPTS)) -> list[Any]:
        share = SPATIAL_SPARSITY + number / 10_000
        return [core.build_concept_mask(profile, share) for profile in bench.profiles[:count]]

    def fused(masks: list[Any], number: int = 0) -> Any:
        return core.fuse_neuron_masks(masks, AGNOSTIC_RATIO + number / 100).mask

    def patch(mask: Any, strength: float = 1.0) -> None:
        load_models_gpu([apply(model, mask, strength)], force_patch_weights=True)

    masks = built()
    ten = fused(masks)
    for title, work, goal in (
        ("strength of a mask of ten concepts", lambda number: patch(ten, 1 + number / 100), 1.0),
        ("agnostic ratio of ten concepts", lambda number: patch(fused(masks, number)), 1.0),
        ("sparsity of one concept", lambda number: patch(built(number, 1)[0]), 1.0),
        ("sparsity of ten concepts at once", lambda number: patch(fused(built(number))), 0.7),
    ):
        work(0)
        yield Figure(
            f"change the {title}",
            repeated(work, bench.rounds),
            "s",
            goal=goal,
            conditions="SD 1.5 size, float32, until the model is patched",
        )


def masked(bench: Bench) -> Iterator[Figure]:
    """Sampling with a mask, against sampling without."""
    extension, model = bench.extension, bench.sd15
    mask = bench.core.build_concept_mask(bench.profiles[0], SPATIAL_SPARSITY)
    apply = extension.module("nodes.host.erasing.weight_patch").apply_neuron_mask
    request = profile_request(extension, CONCEPTS[:1], 2, 1, 64, chunk=1)
    erased = apply(model.denoiser, mask, 1.0)

    def run(denoiser: Any) -> float:
        load_models_gpu([denoiser])
        return seconds(lambda: sample(extension, model, ["a church"], request, 4, denoiser))

    times = interleaved(
        lambda: run(model.denoiser), lambda: run(erased), bench.rounds, measured=lambda run: run()
    )
    yield Figure(
        "sampling with a mask",
        times.ratios,
        against="without",
        goal=1.0,
        conditions="SD 1.5 size, float32, 1 prompt, 4 steps, 64 px; patched before",
    )
