"""Inspect Mask in the real host: pictures and a table out, both shown in the node."""

from typing import Any

import pytest
import torch
from graphs import Graph, GraphError, fuse_node, node, profile_graph
from tiny_model import TinyModel

CONCEPTS = ("church", "golf ball", "cat")


@pytest.fixture(scope="module")
def masks(extension: Any) -> list[Any]:
    """Masks of three concepts, each of 300 of 2,048 weights."""
    return [made(extension, concept, 100 * n) for n, concept in enumerate(CONCEPTS)]


def made(extension: Any, concept: str, start: int) -> Any:
    """A mask of two layers that holds every third weight from ``start`` on."""
    core = extension.module("fia_core")
    layers = {}
    for block in ("input_blocks.1.1", "middle_block.1"):
        layer = torch.zeros(1024, dtype=torch.bool)
        layer[start : start + 450 : 3] = True
        layers[f"diffusion_model.{block}.transformer_blocks.0.ff.net.2"] = layer.reshape(16, 64)
    model = core.ModelIdentity("SD15", "00" * 32)
    return core.NeuronMask(layers, model, (concept,), {}, {"concept": concept})


def inspect(host: Any, masks: list[Any], **lists: Any) -> Graph:
    """Fuse ``masks`` and inspect the result; further inputs are values, masks or lists of them."""
    graph: Graph = {
        "fuse": node("FIAFuseMasks", agnostic_ratio=60.0),
        "inspect": node("FIAInspectMask", mask=["fuse", 0], overlap="Jaccard index"),
    }
    for number, mask in enumerate(masks):
        graph[f"mask {number}"] = host.source(mask)
        name = f"masks_{number + 1}" if number else "masks"
        graph["fuse"]["inputs"][name] = [f"mask {number}", 0]
    for name, value in lists.items():
        graph[name] = host.source(value)
        graph["inspect"]["inputs"][name] = [name, 0]
    return graph


def test_a_whole_graph_from_profile_to_picture(host: Any, tiny: TinyModel) -> None:
    graph = profile_graph(host, tiny.model, tiny.clip, concepts="\n".join(CONCEPTS))
    graph |= {
        "fuse": fuse_node(),
        "inspect": node(
            "FIAInspectMask",
            mask=["fuse", 0],
            concept_masks=["mask", 0],
            overlap="share of own weights",
        ),
    }
    (picture,) = host.run(graph, "inspect")
    (table,) = host.run(graph, "inspect", 1)
    (fused,) = host.run(graph, "fuse")
    assert picture.dtype == torch.float32
    assert picture.shape[0] == 2 and picture.shape[2:] == (800, 3)
    assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.05
    assert f"Pruned: {fused.count:,} of {fused.weights:,} FFN2 weights" in table
    assert "Kept: " in table and "% of the model's" in table
    for concept in CONCEPTS:
        assert f"\n- {concept}: " in table  # its hint


def test_the_measure_changes_the_matrix_alone(host: Any, masks: list[Any]) -> None:
    graph = inspect(host, masks[:2], concept_masks=masks[0], kept_masks=masks[2])
    (jaccard,) = host.run(graph, "inspect")
    graph["inspect"]["inputs"]["overlap"] = "count"
    (count,) = host.run(graph, "inspect")
    assert torch.equal(jaccard[0], count[0])
    assert not torch.equal(jaccard[1], count[1])
    assert "What concepts that should stay lose" in host.run(graph, "inspect", 1)[0]


def test_it_is_an_output_node_that_shows_pictures_and_table(
    host: Any, extension: Any, masks: list[Any]
) -> None:
    host.run_outputs(inspect(host, masks))  # it runs though nothing comes after it
    shown = extension.node("FIAInspectMask").execute(
        mask=masks[:1], overlap=["count"], concept_masks=masks
    )
    assert len(shown.ui["images"]) == 2
    assert all(entry["type"] == "temp" for entry in shown.ui["images"])
    assert shown.ui["text"] == (shown.result[1],)


def test_a_list_of_masks_is_refused(host: Any, tiny: TinyModel) -> None:
    graph = profile_graph(host, tiny.model, tiny.clip, concepts="\n".join(CONCEPTS))
    graph["inspect"] = node("FIAInspectMask", mask=["mask", 0], overlap="count")
    with pytest.raises(GraphError, match="mask: 3 masks arrived; connect one"):
        host.run(graph, "inspect")
