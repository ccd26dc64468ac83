"""Build Concept Mask and Fuse Masks in the real host: lists in, one mask and a report out."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from graphs import Graph, node, profile_graph
from tiny_model import TinyModel

CONCEPTS = ("church", "golf ball", "cat")


@pytest.fixture(scope="module")
def masks(host: Any, tiny: TinyModel) -> list[Any]:
    """The masks of three concepts, from one Profile Concept node."""
    with torch.inference_mode():
        graph = profile_graph(host, tiny.model, tiny.clip, concepts="\n".join(CONCEPTS))
        return host.run(graph, "mask")


def fuse(inputs: dict[str, Any], **sources: Any) -> Graph:
    return {"fuse": node("FIAFuseMasks", **{"agnostic_ratio": 60.0, **inputs}), **sources}


def test_a_list_of_profiles_gives_a_list_of_masks(masks: list[Any]) -> None:
    assert [mask.concepts for mask in masks] == [(concept,) for concept in CONCEPTS]
    assert all(0 < mask.count <= 0.03 * mask.weights for mask in masks)


def test_the_whole_list_is_fused_into_one_mask(host: Any, tiny: TinyModel) -> None:
    host.forget()
    graph = profile_graph(host, tiny.model, tiny.clip, concepts="\n".join(CONCEPTS))
    graph |= fuse({"masks": ["mask", 0]})
    (fused,) = host.run(graph, "fuse")
    masks = host.run(graph, "mask")
    assert fused.concepts == CONCEPTS
    for name, pruned in fused.layers.items():
        held = torch.stack([mask.layers[name] for mask in masks]).sum(0)
        assert torch.equal(pruned, held == 1)  # 60 % of 3 is 2: what two share is kept


def test_the_report_knows_concepts_and_the_size_of_the_model(host: Any, masks: list[Any]) -> None:
    links = {"masks": ["one", 0], "masks_2": ["two", 0]}
    graph = fuse(links, one=host.source(masks[0]), two=host.source(masks[1]))
    (report,) = host.run(graph, "fuse", 1)
    assert "church" in report and "golf ball" in report and "of model" in report


def test_further_inputs_and_protection(host: Any, masks: list[Any]) -> None:
    sources = {f"mask_{position}": host.source(mask) for position, mask in enumerate(masks)}
    inputs = {"masks": ["mask_0", 0], "masks_8": ["mask_1", 0], "agnostic_ratio": 100.0}
    (free,) = host.run(fuse(inputs, **sources), "fuse")
    (spared,) = host.run(fuse({**inputs, "protect": ["mask_2", 0]}, **sources), "fuse")
    assert free.concepts == ("church", "golf ball")
    for name, pruned in spared.layers.items():
        assert torch.equal(pruned, free.layers[name] & ~masks[2].layers[name])
    assert spared.count < free.count


def test_a_concept_that_loses_nothing_is_told_first(
    host: Any, masks: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    twin = replace(masks[0], concepts=("church tower",))
    graph = fuse(
        {"masks": ["one", 0], "masks_2": ["two", 0], "agnostic_ratio": 1.0},
        one=host.source(masks[0]),
        two=host.source(twin),
    )
    fused, report = host.run(graph, "fuse")[0], host.run(graph, "fuse", 1)[0]
    assert fused.count == 0
    first, second, *_ = report.split("\n\n")
    assert first.startswith("Warning: church will not be forgotten: of its")
    assert second.startswith("Warning: church tower will not be forgotten")
    assert "Fuse Masks: church will not be forgotten" in caplog.text


def test_an_empty_mask_is_told_when_it_is_applied(
    host: Any, tiny: TinyModel, masks: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    empty = {name: torch.zeros_like(mask) for name, mask in masks[0].layers.items()}
    mask = replace(masks[0], layers=empty)
    assert host.run_node("FIAApplyNeuronMask", model=tiny.model, mask=mask, strength=1.0)
    assert "the mask is empty" in caplog.text


def test_granularity_and_sparsity_reach_the_core(host: Any, tiny: TinyModel) -> None:
    graph = profile_graph(host, tiny.model, tiny.clip)
    (both,) = host.run(graph, "mask")
    graph["mask"]["inputs"]["granularity"] = "layer"
    (layer,) = host.run(graph, "mask")
    assert layer.count > both.count
    graph["mask"]["inputs"]["spatial_sparsity"] = 0.5
    (smaller,) = host.run(graph, "mask")
    assert smaller.count < layer.count
