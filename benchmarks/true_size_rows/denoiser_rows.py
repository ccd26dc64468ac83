"""Rows in which the denoiser runs: profiling, the whole procedure, a patched model."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from comfy.model_management import load_models_gpu
from comfy.model_patcher import ModelPatcher

from ...fia_core import NeuronMask, build_concept_mask, concept_overlap, fuse_neuron_masks
from ...nodes.host.applying.weight_patch import apply_neuron_mask
from .authors import Masks, authors_masks
from .measuring import Figure, interleaved, repeated, seconds
from .models import sd15
from .sampling import (
    AGNOSTIC_RATIO,
    CONCEPTS,
    SPATIAL_SPARSITY,
    all_prompts,
    profile,
    request_for,
    sample,
    sd15_at_true_size,
    ten_profiles,
)

HALF = 160  # channels, of SD 1.5's 320: statistics and denoiser both take a quarter of the time
HALF_WORDS = "SD 1.5's blocks at half its width, float32"


def profiling(rounds: int) -> Iterator[Figure]:
    """One concept, against plain sampling of the same prompts."""
    model = sd15(channels=HALF)
    for side, goal in ((512, 1.02), (256, 1.06)):
        request = request_for(CONCEPTS[:1], 2, 1, side, chunk=4)
        prompts = all_prompts(request)
        sampling, profiling = interleaved(
            partial(sample, model, prompts, request, steps=1),
            partial(profile, model, request),
            rounds,
        )
        yield Figure(
            "profile one concept",
            profiling / sampling,
            against="plain sampling of the same prompts and steps",
            goal=goal,
            conditions=f"{HALF_WORDS}, 2 + 2 prompts, 1 step, {side} px",
        )


def ten_concepts(rounds: int) -> Iterator[Figure]:
    """Ten concepts of a kind, against ten times one."""
    model = sd15(channels=HALF)
    one, ten = (request_for(names, 5, 1, 128, chunk=5) for names in (CONCEPTS[:1], CONCEPTS))
    alone, together = interleaved(
        partial(profile, model, one), partial(profile, model, ten), rounds
    )
    yield Figure(
        "profile ten concepts",
        together / (10 * alone),
        against="ten times one",
        goal=0.60,
        conditions=f"{HALF_WORDS}, 5 base prompts and 5 a concept, 1 step, 128 px",
    )


def procedure(rounds: int) -> Iterator[Figure]:
    """From prompts to masks, against the authors' procedure at equal prompts and steps."""
    model = sd15(channels=64)
    request = request_for(CONCEPTS[:5], 2, 5, 128, chunk=16, schedule=25)

    def ours() -> list[NeuronMask]:
        return [build_concept_mask(made, SPATIAL_SPARSITY) for made in profile(model, request)]

    def theirs() -> list[Masks]:
        return authors_masks(model, request)

    shared = _jaccard(ours(), theirs())
    our_seconds, their_seconds = interleaved(ours, theirs, rounds)
    yield Figure(
        "whole procedure, five concepts",
        their_seconds / our_seconds,
        "× faster",
        "the authors' procedure",
        8,
        at_least=True,
        conditions="SD 1.5's blocks at a fifth of its width, 2 base prompts and 2 a concept, 5 of "
        f"25 steps, 128 px; the masks of both share {shared:.1%} (Jaccard)",
    )


def _jaccard(ours: list[NeuronMask], theirs: list[Masks]) -> float:
    """Weights in both ways' masks, of those in either's."""
    both = either = 0
    for mask, layers in zip(ours, theirs, strict=True):
        overlap = concept_overlap([mask, replace(mask, layers=layers)], [True] * 2, mask)
        both += int(overlap.shared[0, 1])
        either += int(overlap.own.sum() - overlap.shared[0, 1])
    return both / either


def change(rounds: int) -> Iterator[Figure]:
    """From a moved slider to the patched weights."""
    model = sd15_at_true_size().denoiser

    def built(number: int = 0, count: int = len(CONCEPTS)) -> list[NeuronMask]:
        share = SPATIAL_SPARSITY + number / 10_000
        return [build_concept_mask(profile, share) for profile in ten_profiles()[:count]]

    def fused(masks: list[NeuronMask], number: int = 0) -> NeuronMask:
        return fuse_neuron_masks(masks, AGNOSTIC_RATIO + number / 100).mask

    def patch(mask: NeuronMask, strength: float = 1.0) -> None:
        load_models_gpu([apply_neuron_mask(model, mask, strength)], force_patch_weights=True)

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
            repeated(work, rounds),
            "s",
            goal=goal,
            conditions="SD 1.5 size, float32, until the model is patched",
        )


def masked(rounds: int) -> Iterator[Figure]:
    """Sampling with a mask, against sampling without."""
    model = sd15_at_true_size()
    mask = build_concept_mask(ten_profiles()[0], SPATIAL_SPARSITY)
    request = request_for(CONCEPTS[:1], 2, 1, 64, chunk=1)
    erased = apply_neuron_mask(model.denoiser, mask, 1.0)

    def run(denoiser: ModelPatcher) -> float:
        load_models_gpu([denoiser])
        return seconds(lambda: sample(model, ["a church"], request, 4, denoiser))

    without, with_mask = interleaved(
        lambda: run(model.denoiser), lambda: run(erased), rounds, measured=lambda timed: timed()
    )
    yield Figure(
        "sampling with a mask",
        with_mask / without,
        against="without",
        goal=1.0,
        conditions="SD 1.5 size, float32, 1 prompt, 4 steps, 64 px; patched before",
    )
