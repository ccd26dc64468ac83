"""The row of file sizes."""

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import torch

from .bench import PROFILED, Bench, megabytes, profile_path
from .figures import Figure
from .models import Model
from .sampling import profile, profile_request
from .settings import AGNOSTIC_RATIO, CONCEPTS, SPATIAL_SPARSITY

MASK_GOAL, PROFILE_GOAL = 3.1, 25  # MB

SPARSITIES = {
    "r2 = 1 %": (SPATIAL_SPARSITY,) * len(CONCEPTS),
    "r2 of the paper's Table 8": tuple(
        0.03 if concept in ("parachute", "golf ball", "gas pump") else 0.007 for concept in CONCEPTS
    ),
}


def files(bench: Bench) -> Iterator[Figure]:
    """Sizes on disk of profiles and of masks of ten concepts."""
    core, profiles = bench.core, bench.profiles
    sizes = [megabytes(profile_path(concept).stat().st_size) for concept in CONCEPTS]
    yield Figure("profile of a concept", sizes, "MB", goal=PROFILE_GOAL, conditions=PROFILED)
    yield _profile_of_the_bundled_model(bench)
    for words, shares in SPARSITIES.items():
        masks = [
            core.build_concept_mask(one, share) for one, share in zip(profiles, shares, strict=True)
        ]
        fused = core.fuse_neuron_masks(masks, AGNOSTIC_RATIO).mask
        pruned = f"{100 * fused.count / fused.weights:.1f} % pruned"
        yield _mask(f"mask of ten concepts, {words}", fused, f"{PROFILED}; {pruned}")
    yield from _embedded(bench)
    yield _mask(
        "mask with every tenth weight pruned, independent at random",
        _independent_mask(bench),
        "the worst that ten concepts of 1 % can give",
    )


def _mask(title: str, mask: Any, conditions: str) -> Figure:
    """A mask's size."""
    size = megabytes(len(mask.to_bytes()))
    return Figure(title, [size], "MB", goal=MASK_GOAL, conditions=conditions)


def _embedded(bench: Bench) -> Iterator[Figure]:
    """Text of masks inside a workflow, against the longest that may be."""
    embedding = bench.extension.module("fia_core.files.embedding")
    masks = [bench.core.build_concept_mask(one, SPATIAL_SPARSITY) for one in bench.profiles[:5]]
    five = bench.core.fuse_neuron_masks(masks, AGNOSTIC_RATIO).mask
    for words, mask in (("one concept", masks[0]), ("five concepts", five)):
        yield Figure(
            f"embedded mask of {words}, r2 = 1 %",
            [megabytes(len(embedding.embed_mask(mask)))],
            "MB of text",
            goal=megabytes(embedding.MAX_TEXT),
            conditions=PROFILED,
        )


def _profile_of_the_bundled_model(bench: Bench) -> Figure:
    """Its bytes a weight, at SD 1.5's weights: the sensitivities of a network that was trained."""
    bundled = bench.extension.module("demo_model.loader").load_demo_model()
    request = profile_request(bench.extension, CONCEPTS[:1], 10, 10, 128, chunk=16)
    (made,) = profile(bench.extension, Model(bundled.model, bundled.clip), request)
    weights, own = (
        sum(math.prod(shape) for shape in one.shapes.values()) for one in (bench.profiles[0], made)
    )
    with NamedTemporaryFile(suffix=".safetensors") as file:
        made.save(file.name)
        size = Path(file.name).stat().st_size
    return Figure(
        "profile of a concept, as dense as the bundled model's",
        [megabytes(size / own * weights)],
        "MB",
        goal=PROFILE_GOAL,
        conditions=f"bundled model (trained), 10 + 10 prompts, 10 steps; × {weights / own:.1f}",
    )


def _independent_mask(bench: Bench) -> Any:
    first = bench.profiles[0]
    generator = torch.Generator().manual_seed(0)
    layers = {
        name: torch.rand(shape, generator=generator) < len(CONCEPTS) * SPATIAL_SPARSITY
        for name, shape in first.shapes.items()
    }
    return bench.core.NeuronMask(layers, first.model, CONCEPTS, {}, {})
