"""Sizes of profiles and masks, on disk and as text."""

from collections.abc import Iterator, Sequence

import torch

from ...fia_core import PRESETS, NeuronMask, build_concept_mask, fuse_neuron_masks
from ...fia_core.files.embedding import embed_mask
from .figures import Figure
from .requests import (
    AGNOSTIC_RATIO,
    CONCEPTS,
    PROFILED,
    SPATIAL_SPARSITY,
    profile_path,
    ten_profiles,
)

MB = 1e6
SPARSITIES = {
    "r2 = 1 %": [SPATIAL_SPARSITY] * len(CONCEPTS),
    "r2 of the paper's Table 8": [
        PRESETS["object"].spatial_by_concept[concept] for concept in CONCEPTS
    ],
}


def files(rounds: int) -> Iterator[Figure]:
    """Profiles, masks of ten concepts, masks inside a workflow."""
    sizes = [profile_path(one.concept).stat().st_size / MB for one in ten_profiles()]
    yield Figure("profile of a concept", sizes, "MB", conditions=PROFILED)
    for words, shares in SPARSITIES.items():
        fused = _fused(shares)
        pruned = f"{100 * fused.count / fused.weights:.1f} % pruned"
        yield _mask(f"mask of ten concepts, {words}", fused, f"{PROFILED}; {pruned}")
    one = build_concept_mask(ten_profiles()[0], SPATIAL_SPARSITY)
    for words, mask in (("one concept", one), ("five concepts", _fused([SPATIAL_SPARSITY] * 5))):
        yield Figure(
            f"embedded mask of {words}, r2 = 1 %",
            [len(embed_mask(mask)) / MB],
            "MB of text",
            conditions=PROFILED,
        )
    yield _mask(
        "mask with every tenth weight pruned, independent at random",
        _independent_mask(),
        "the worst that ten concepts of 1 % can give",
    )


def _fused(shares: Sequence[float]) -> NeuronMask:
    """The fused mask of the first concepts, each with its own share."""
    profiles = ten_profiles()[: len(shares)]
    masks = [build_concept_mask(one, share) for one, share in zip(profiles, shares, strict=True)]
    return fuse_neuron_masks(masks, AGNOSTIC_RATIO).mask


def _mask(title: str, mask: NeuronMask, conditions: str) -> Figure:
    size = len(mask.to_bytes()) / MB
    return Figure(title, [size], "MB", conditions=conditions)


def _independent_mask() -> NeuronMask:
    first = ten_profiles()[0]
    generator = torch.Generator().manual_seed(0)
    layers = {
        name: torch.rand(shape, generator=generator) < len(CONCEPTS) * SPATIAL_SPARSITY
        for name, shape in first.shapes.items()
    }
    return NeuronMask(layers, first.model, CONCEPTS, {}, {})
