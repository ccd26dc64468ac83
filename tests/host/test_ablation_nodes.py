"""The benchmarks' ablation nodes in the real host: unchanged they are the method, changed they do
what their name says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch
from comparison import assert_close_sensitivities
from graphs import Graph, Host
from tiny_model import TinyModel

import nodes

PACK = Path(__file__).resolve().parents[2] / "benchmarks" / "ablation_nodes"
PROFILE = {
    "concepts": "church\ngolf ball",
    "kind": "object",
    "contexts": "park\nroom\nforest",
    "seed": 3,
    "steps": 6,
    "profile_steps": 2,
    "cfg": 4.0,
    "sampler": "euler",
    "scheduler": "normal",
    "width": 64,
    "height": 64,
    "batch_size": 3,  # a group, so that both cut the prompts alike
    "temporal_sparsity": 5.0,
    "saliency_form": "exact",
}


@pytest.fixture(scope="module", autouse=True)
def pack(extension: Any) -> None:
    assert asyncio.run(nodes.load_custom_node(str(PACK))), "the host's log has the reason"


def profiles(host: Host, tiny: TinyModel, node: str, **changes: Any) -> list[Any]:
    host.forget()
    graph: Graph = {
        "model": host.source(tiny.model),
        "clip": host.source(tiny.clip),
        "profile": {
            "class_type": node,
            "inputs": {"model": ["model", 0], "clip": ["clip", 0], **PROFILE, **changes},
        },
    }
    return host.run(graph, "profile")


def test_unchanged_it_is_the_shipped_profile(host: Host, tiny: TinyModel) -> None:
    shipped = profiles(
        host,
        tiny,
        "FIAProfileConcept",
        concept_templates="",
        base_template="",
        use_cache=False,
    )
    own = profiles(host, tiny, "FIABenchmarkProfile")
    assert [profile.concept for profile in own] == ["church", "golf ball"]
    for one, other in zip(shipped, own, strict=True):
        assert one.layers.keys() == other.layers.keys()
        assert_close_sensitivities(
            one, {name: layer.dense() for name, layer in other.layers.items()}
        )


@pytest.mark.parametrize(
    "change",
    [{"contrast": False}, {"frequency": False}, {"normalize": False}, {"rows": "all"}],
    ids=str,
)
def test_each_change_changes_the_sensitivities(
    host: Host, tiny: TinyModel, change: dict[str, Any]
) -> None:
    plain, changed = (
        profiles(host, tiny, "FIABenchmarkProfile", **what)[0] for what in ({}, change)
    )
    same = [
        torch.equal(layer.dense(), changed.layers[name].dense())
        for name, layer in plain.layers.items()
    ]
    assert not any(same)


def test_without_the_frequency_term_it_is_the_mean_saliency(host: Host, tiny: TinyModel) -> None:
    """Eq. 3 as printed less half of the shares of steps is half the mean saliency."""
    printed = profiles(host, tiny, "FIABenchmarkProfile", normalize=False)[0]
    mean = profiles(host, tiny, "FIABenchmarkProfile", frequency=False)[0]
    steps = PROFILE["profile_steps"]
    for name, layer in mean.layers.items():
        both = (layer.dense() > 0) & (printed.layers[name].dense() > 0)
        shares = (printed.layers[name].dense() - 0.5 * layer.dense())[both] * 2 * steps
        assert both.any()
        assert torch.allclose(shares, shares.round(), atol=1e-3)


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ("ffn1", "ff.net.0.proj"),
        ("cross-attention keys", "attn2.to_k"),
        ("self-attention values", "attn1.to_v"),
    ],
)
def test_other_layers_are_profiled_and_pruned(
    host: Host, tiny: TinyModel, layers: str, place: str
) -> None:
    host.forget()
    graph: Graph = {
        "model": host.source(tiny.model),
        "clip": host.source(tiny.clip),
        "profile": {
            "class_type": "FIABenchmarkProfile",
            "inputs": {"model": ["model", 0], "clip": ["clip", 0], **PROFILE, "layers": layers},
        },
        "masks": {
            "class_type": "FIABuildConceptMask",
            "inputs": {
                "profile": ["profile", 0],
                "spatial_sparsity": 5.0,
                "granularity": "both",
            },
        },
        "mask": {
            "class_type": "FIAFuseMasks",
            "inputs": {"masks": ["masks", 0], "agnostic_ratio": 100.0},
        },
        "applied": {
            "class_type": "FIABenchmarkApplyMask",
            "inputs": {"model": ["model", 0], "mask": ["mask", 0], "strength": 1.0},
        },
    }
    mask, model = host.run(graph, "mask")[0], host.run(graph, "applied")[0]
    assert all(name.endswith(place) for name in mask.layers) and mask.count > 0
    patched = model.get_key_patches("diffusion_model.")
    assert {key for key, stack in patched.items() if len(stack) > 1} == {
        f"{name}.weight" for name in mask.layers
    }


def test_masks_of_equal_size(extension: Any, tiny: TinyModel, mask: Any) -> None:
    masks = extension.module("benchmarks.ablation_nodes.masks")
    random, again, other = (masks.random_mask(mask, seed) for seed in (1, 1, 2))
    largest = masks.magnitude_mask(tiny.model, mask)
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model)
    for name, pruned in mask.layers.items():
        count = int(pruned.sum())
        assert int(random.layers[name].sum()) == int(largest.layers[name].sum()) == count
        assert torch.equal(random.layers[name], again.layers[name])
        weight = layers[name].weight.detach().abs()
        if count:
            assert weight[largest.layers[name]].min() >= weight[~largest.layers[name]].max()
    assert any(not torch.equal(random.layers[n], other.layers[n]) for n in mask.layers)


def test_a_union_holds_what_any_mask_holds(extension: Any, mask: Any) -> None:
    masks = extension.module("benchmarks.ablation_nodes.masks")
    random = masks.random_mask(mask, 1)
    union = masks.union_mask([mask, random])
    for name, pruned in union.layers.items():
        assert torch.equal(pruned, mask.layers[name] | random.layers[name])
