"""Rows that need no denoiser while they are timed: selection, fusion, statistics."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from .bench import Bench
from .figures import Figure
from .measuring import interleaved, peak_memory, repeated
from .settings import AGNOSTIC_RATIO, CONCEPTS, SPATIAL_SPARSITY

MANY = 50
SPARSITIES = (SPATIAL_SPARSITY, 0.10)
SELECTION_GOAL = 1.5  # seconds
SD15_AT_512 = (
    (5, 1280, 320, 4096),
    (5, 2560, 640, 1024),
    (5, 5120, 1280, 256),
    (1, 5120, 1280, 64),
)
"""(how many layers, C_in, C_out, tokens) of SD 1.5's FFN2 layers at 512 pixels."""


def selection(bench: Bench) -> Iterator[Figure]:
    """Both granularities over all FFN2 weights, against sorting them both ways."""
    core, profile = bench.core, bench.profiles[0]
    dense = [layer.dense() for layer in profile.layers.values()]
    weights = f"{sum(layer.numel() for layer in dense):,} weights"

    def select() -> None:
        for sensitivity in dense:
            core.concept_sensitive_mask(sensitivity, SPATIAL_SPARSITY)

    def sort() -> None:
        for sensitivity in dense:
            sensitivity.flatten().sort()
            sensitivity.sort(dim=1)

    times = interleaved(select, sort, bench.rounds)
    title, words = "choosing both granularities", f"{weights}, r2 = 1 %"
    against = "torch.sort of rows and layers"
    yield Figure(title, times.ratios, "× faster", against, 10, at_least=True, conditions=words)
    yield Figure(title, times.first, "s", goal=SELECTION_GOAL, conditions=words)
    for sparsity in SPARSITIES:
        built = repeated(lambda _, r2=sparsity: core.build_concept_mask(profile, r2), bench.rounds)
        title = f"Build Concept Mask from a profile, r2 = {sparsity:.0%}"
        yield Figure(title, built, "s", goal=SELECTION_GOAL, conditions=weights)


def fusion(bench: Bench) -> Iterator[Figure]:
    """Fifty masks into one, against one pass that counts their bits."""
    masks = _many_masks(bench)

    def count() -> None:
        for mask in masks:
            for layer in mask.layers.values():
                layer.count_nonzero()

    def fuse() -> None:
        bench.core.fuse_neuron_masks(masks, AGNOSTIC_RATIO)

    times = interleaved(count, fuse, bench.rounds)
    title, conditions = f"fuse {MANY} concepts", _of_many(masks)
    yield Figure(title, times.second, "s", goal=2, conditions=conditions)
    against = "one pass of torch over the same masks"
    yield Figure(title, times.ratios, against=against, conditions=conditions)
    yield _fusion_memory(bench, masks, "")


def fusion_memory_in_use(bench: Bench) -> Iterator[Figure]:
    """Memory to fuse fifty masks, in a process that returns what it frees."""
    yield _fusion_memory(bench, _many_masks(bench), ", in use")


def _many_masks(bench: Bench) -> list[Any]:
    """Fifty masks: of every concept at several sparsities."""
    shares = [0.006 + 0.001 * number for number in range(MANY // len(CONCEPTS))]
    return [
        replace(
            bench.core.build_concept_mask(profile, share), concepts=(f"{profile.concept} {share}",)
        )
        for share in shares
        for profile in bench.profiles
    ]


def _fusion_memory(bench: Bench, masks: list[Any], words: str) -> Figure:
    """Peak of a fusion beyond what lies in memory before it."""
    with peak_memory() as before:
        pass
    with peak_memory() as after:
        bench.core.fuse_neuron_masks(masks, AGNOSTIC_RATIO)
    return Figure(
        f"extra memory to fuse {MANY} concepts{words}",
        [(after.ram - before.ram) / (2 * masks[0].weights)],
        against="two masks as bool tensors",
        goal=1,
        conditions=_of_many(masks),
    )


def _of_many(masks: list[Any]) -> str:
    return f"{masks[0].weights:,} weights, r2 = 0.6 to 1 %"


def statistics(bench: Bench) -> Iterator[Figure]:
    """Exact Eq. 1 and its moments for one prompt, against the forward of the FFN2 layers."""
    core = bench.core
    equations = bench.extension.module("fia_core.equations.statistics")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)
    layers = []
    for count, c_in, c_out, tokens in SD15_AT_512:
        weight = torch.randn(c_out, c_in, generator=generator).mul_(c_in**-0.5).to(device)
        x = torch.randn(tokens, c_in, generator=generator).to(device)
        y = x @ weight.T
        layers += [(weight, x, y, core.RunningMoments((c_in, c_out), device)) for _ in range(count)]
    room = torch.empty(max(weight.numel() for weight, *_ in layers), device=device)

    def conditional_half() -> None:
        for weight, x, _, _ in layers:
            torch.nn.functional.linear(x, weight)

    def with_guidance() -> None:
        for weight, x, _, _ in layers:
            for _ in ("conditional", "unconditional"):
                torch.nn.functional.linear(x, weight)

    def statistics() -> None:
        for weight, x, y, moments in layers:
            unit, _ = equations.unit_columns(y[None], torch.float32)
            memory = room[: weight.numel()].view(1, *weight.T.shape)
            moments.add(equations.alignments(x[None], unit, "exact", memory))

    for forward, words, goal in (
        (with_guidance, "with guidance", None),
        (conditional_half, "of the conditional half", 1.1),
    ):
        yield Figure(
            "exact Eq. 1 statistics",
            interleaved(forward, statistics, bench.rounds).ratios,
            against=f"FFN2's own forward {words}",
            goal=goal,
            conditions="SD 1.5 at 512 px, one prompt and step",
        )
