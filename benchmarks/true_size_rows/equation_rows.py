"""Rows that need no denoiser while they are timed: selection, fusion, statistics."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from ...fia_core import (
    NeuronMask,
    RunningMoments,
    build_concept_mask,
    concept_sensitive_mask,
    fuse_neuron_masks,
)
from ...fia_core.equations.saliency import alignments, unit_columns
from .measuring import Figure, interleaved, peak_memory, repeated
from .sampling import AGNOSTIC_RATIO, CONCEPTS, SPATIAL_SPARSITY, ten_profiles

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


def selection(rounds: int) -> Iterator[Figure]:
    """Both granularities over all FFN2 weights, against sorting them both ways."""
    profile = ten_profiles()[0]
    dense = [layer.dense() for layer in profile.layers.values()]
    weights = f"{sum(layer.numel() for layer in dense):,} weights"

    def select() -> None:
        for sensitivity in dense:
            concept_sensitive_mask(sensitivity, SPATIAL_SPARSITY)

    def sort() -> None:
        for sensitivity in dense:
            sensitivity.flatten().sort()
            sensitivity.sort(dim=1)

    selecting, sorting = interleaved(select, sort, rounds)
    title, words = "choosing both granularities", f"{weights}, r2 = 1 %"
    against = "torch.sort of rows and layers"
    ratios = sorting / selecting
    yield Figure(title, ratios, "× faster", against, 10, at_least=True, conditions=words)
    yield Figure(title, selecting, "s", goal=SELECTION_GOAL, conditions=words)
    for sparsity in SPARSITIES:
        built = repeated(lambda _, r2=sparsity: build_concept_mask(profile, r2), rounds)
        title = f"Build Concept Mask from a profile, r2 = {sparsity:.0%}"
        yield Figure(title, built, "s", goal=SELECTION_GOAL, conditions=weights)


def fusion(rounds: int) -> Iterator[Figure]:
    """Fifty masks into one."""
    masks, conditions = _many_masks()
    fuse_neuron_masks(masks, AGNOSTIC_RATIO)  # to warm up
    times = repeated(lambda _: fuse_neuron_masks(masks, AGNOSTIC_RATIO), rounds)
    yield Figure(f"fuse {MANY} concepts", times, "s", goal=2, conditions=conditions)


def fusion_memory(rounds: int) -> Iterator[Figure]:
    """Peak of a fusion beyond what lies in memory before it."""
    masks, conditions = _many_masks()
    before = peak_memory(lambda: None)["RAM"]
    most = peak_memory(lambda: fuse_neuron_masks(masks, AGNOSTIC_RATIO))["RAM"]
    yield Figure(
        f"extra memory to fuse {MANY} concepts, in use",
        [(most - before) / (2 * masks[0].weights)],
        against="two masks as bool tensors",
        goal=1,
        conditions=conditions,
    )


def statistics(rounds: int) -> Iterator[Figure]:
    """Exact Eq. 1 and its moments for one prompt, against the FFN2 layers' forward for it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)
    layers = []
    for count, c_in, c_out, tokens in SD15_AT_512:
        weight = torch.randn(c_out, c_in, generator=generator).mul_(c_in**-0.5).to(device)
        x = torch.randn(tokens, c_in, generator=generator).to(device)
        y = x @ weight.T
        layers += [(weight, x, y, RunningMoments((c_in, c_out), device)) for _ in range(count)]
    room = torch.empty(max(weight.numel() for weight, *_ in layers), device=device)

    def forward() -> None:
        for weight, x, _, _ in layers:
            torch.nn.functional.linear(x, weight)

    def statistics() -> None:
        for weight, x, y, moments in layers:
            unit, _ = unit_columns(y[None], torch.float32)
            memory = room[: weight.numel()].view(1, *weight.T.shape)
            moments.add(alignments(x[None], unit, "exact", memory))

    plain, ours = interleaved(forward, statistics, rounds)
    yield Figure(
        "exact Eq. 1 statistics",
        ours / plain,
        against="FFN2's own forward of the conditional half",
        goal=1.1,
        conditions="SD 1.5 at 512 px, one prompt and step",
    )


def _many_masks() -> tuple[list[NeuronMask], str]:
    """Fifty masks, of every concept at several sparsities; and in words."""
    shares = [0.006 + 0.001 * number for number in range(MANY // len(CONCEPTS))]
    masks = [
        replace(build_concept_mask(profile, share), concepts=(f"{profile.concept} {share}",))
        for share in shares
        for profile in ten_profiles()
    ]
    return masks, f"{masks[0].weights:,} weights, r2 = 0.6 to 1 %"
