"""Small tensors, profiles and masks for the core's tests."""

import torch
from hypothesis import strategies as st
from torch import Tensor

from fia_core import ConceptProfile, ModelIdentity, NeuronMask, SparseSensitivity

MODEL = ModelIdentity("SD15 (16 layers)", "4f2a91c3")
OTHER_MODEL = ModelIdentity("SDXL (70 layers)", "77b0e25d")
SHAPES = {"blocks.10.ff.net.2": (6, 24), "blocks.2.ff.net.2": (5, 33)}

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)
hundredths = st.integers(1, 100)


def normal(seed: int, *shape: int) -> Tensor:
    """Normal numbers, float32, the same for the same seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def few_levels(seed: int, *shape: int) -> Tensor:
    """Multiples of a quarter from 0 to 1, so that ties and zeros are common."""
    levels = torch.randint(0, 5, shape, generator=torch.Generator().manual_seed(seed))
    return levels / 4


def sensitivities(seed: int) -> dict[str, Tensor]:
    """One sensitivity a layer of ``SHAPES``, half of the entries 0."""
    return {
        name: normal(seed + position, *shape).clamp_min(0)
        for position, (name, shape) in enumerate(SHAPES.items())
    }


def profile(concept: str = "church", seed: int = 0, model: ModelIdentity = MODEL) -> ConceptProfile:
    """A small concept profile."""
    return ConceptProfile(
        concept=concept,
        kind="object",
        concept_prompts=(f"a {concept} in a road", f"a {concept} near a tree"),
        base_prompts=("a road", "a tree"),
        settings={"seed": 7, "cfg": 7.5, "sampler": "euler", "released": False, "note": None},
        model=model,
        layers={
            name: SparseSensitivity.from_dense(sensitivity)
            for name, sensitivity in sensitivities(seed).items()
        },
    )


def mask(
    concept: str = "church", seed: int = 0, model: ModelIdentity = MODEL, share: float = 0.4
) -> NeuronMask:
    """A small neuron mask that holds about ``share`` of the weights."""
    return NeuronMask(
        layers={
            name: torch.rand(shape, generator=torch.Generator().manual_seed(seed + position))
            < share
            for position, (name, shape) in enumerate(SHAPES.items())
        },
        model=model,
        concepts=(concept,),
        settings={"spatial_sparsity": 0.01, "granularity": "both"},
        provenance={"profile": {"prompts": ["a church in a road", "ein Baum, 木"]}},
    )
