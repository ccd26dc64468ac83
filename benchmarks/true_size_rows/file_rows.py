"""The row of file sizes."""

import math
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import torch

from .bench import PROFILED, Bench, megabytes, profile_path
from .figures import Figure
from .models import Model
from .sampling import profile, profile_request
from .settings import AGNOSTIC_RATIO, CONCEPTS, SPATIAL_SPARSITY


def files(bench: Bench) -> list[Figure]:
    """Sizes on disk of profiles and of masks of ten concepts."""
    core, profiles = bench.core, bench.profiles
    weights = sum(math.prod(shape) for shape in profiles[0].shapes.values())
    sizes = [megabytes(profile_path(concept).stat().st_size) for concept in CONCEPTS]
    figures = [
        bench.figure("profile of a concept", sizes, "MB", goal=25, conditions=PROFILED),
        _profile_of_the_bundled_model(bench, weights),
    ]
    for words, shares in _SPARSITIES.items():
        masks = [
            core.build_concept_mask(one, share) for one, share in zip(profiles, shares, strict=True)
        ]
        fused = core.fuse_neuron_masks(masks, AGNOSTIC_RATIO).mask
        figures.append(
            bench.figure(
                f"mask of ten concepts, {words}",
                [megabytes(len(fused.to_bytes()))],
                "MB",
                goal=3.1,
                conditions=f"{PROFILED}; {100 * fused.count / fused.weights:.1f} % pruned",
            )
        )
    figures += _embedded(bench)
    independent = _independent_mask(bench)
    figures.append(
        bench.figure(
            "mask with every tenth weight pruned, independent at random",
            [megabytes(len(independent.to_bytes()))],
            "MB",
            goal=3.1,
            conditions="the worst that ten concepts of 1 % can give",
        )
    )
    return figures


def _embedded(bench: Bench) -> list[Figure]:
    """Text of masks inside a workflow, against the longest that may be."""
    embedding = bench.extension.module("fia_core.files.embedding")
    masks = [bench.core.build_concept_mask(one, SPATIAL_SPARSITY) for one in bench.profiles[:5]]
    return [
        bench.figure(
            f"embedded mask of {words}, r2 = 1 %",
            [megabytes(len(embedding.embed_mask(mask)))],
            "MB of text",
            goal=megabytes(embedding.MAX_TEXT),
            conditions=PROFILED,
        )
        for words, mask in (
            ("one concept", masks[0]),
            ("five concepts", bench.core.fuse_neuron_masks(masks, AGNOSTIC_RATIO).mask),
        )
    ]


def _profile_of_the_bundled_model(bench: Bench, weights: int) -> Figure:
    """Its bytes a weight, at ``weights``: the sensitivities of a network that was trained."""
    bundled = bench.extension.module("demo_model.loader").load_demo_model()
    request = profile_request(bench.extension, CONCEPTS[:1], 10, 10, 128, chunk=16)
    (made,) = profile(bench.extension, Model(bundled.model, bundled.clip), request)
    own = sum(math.prod(shape) for shape in made.shapes.values())
    with NamedTemporaryFile(suffix=".safetensors") as file:
        made.save(file.name)
        size = Path(file.name).stat().st_size
    return bench.figure(
        "profile of a concept, as dense as the bundled model's",
        [megabytes(size / own * weights)],
        "MB",
        goal=25,
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


_SPARSITIES = {
    "r2 = 1 %": (SPATIAL_SPARSITY,) * len(CONCEPTS),
    "r2 of the paper's Table 8": tuple(
        0.03 if concept in ("parachute", "golf ball", "gas pump") else 0.007 for concept in CONCEPTS
    ),
}
