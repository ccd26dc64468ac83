"""Sizes of profiles and masks, on disk and as text."""

from collections.abc import Iterator

import torch

from ...fia_core import NeuronMask, build_concept_mask, fuse_neuron_masks
from ...fia_core.mask_text import embed_mask
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


def files(rounds: int) -> Iterator[Figure]:
    """Profiles, masks of ten concepts, masks inside a workflow."""
    sizes = [profile_path(one.concept).stat().st_size / MB for one in ten_profiles()]
    yield Figure("profile of a concept", sizes, "MB", conditions=PROFILED)
    masks = [build_concept_mask(one, SPATIAL_SPARSITY) for one in ten_profiles()]
    five, ten = (fuse_neuron_masks(masks[:n], AGNOSTIC_RATIO).mask for n in (5, 10))
    pruned = f"{100 * ten.count / ten.weights:.1f} % pruned"
    yield _mask("mask of ten concepts, r2 = 1 %", ten, f"{PROFILED}; {pruned}")
    for words, mask in (("one concept", masks[0]), ("five concepts", five)):
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
