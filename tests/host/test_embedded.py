"""A mask inside the workflow: Load Neuron Mask takes its text instead of a file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph, GraphError, node

GONE = "gone.safetensors"


@pytest.fixture
def text(extension: Any, mask: Any) -> str:
    return extension.module("fia_core.mask_text").embed_mask(mask)


def load_graph(**inputs: Any) -> Graph:
    return {"load": node("FIALoadNeuronMask", **inputs)}


def same(one: Any, other: Any) -> bool:
    return one.to_bytes() == other.to_bytes()


def test_saved_workflows_find_their_inputs_by_position(extension: Any) -> None:
    info = extension.node("FIALoadNeuronMask").GET_NODE_INFO_V1()
    assert info["input_order"] == {"required": [], "optional": ["mask_file", "embedded"]}


def test_an_embedded_mask_needs_no_file_and_comes_before_one(
    host: Any, folder: Path, mask: Any, text: str
) -> None:
    for inputs in ({"mask_file": GONE, "embedded": text}, {"embedded": text}):
        (loaded,) = host.run(load_graph(**inputs), "load")
        assert same(loaded, mask)
    replace(mask, concepts=("tench",)).save(folder / "tench.safetensors")
    for embedded, concepts in ((text, mask.concepts), ("", ("tench",))):
        graph = load_graph(mask_file="tench.safetensors", embedded=embedded)
        assert host.run(graph, "load")[0].concepts == concepts


@pytest.mark.parametrize("inputs", [{"mask_file": ""}, {"mask_file": GONE, "embedded": ""}])
def test_without_an_embedded_mask_a_missing_file_is_refused_before_anything_runs(
    host: Any, folder: Path, inputs: dict[str, str]
) -> None:
    with pytest.raises(GraphError, match=r"custom_validation_failed.*there is no mask file") as e:
        host.run(load_graph(**inputs), "load")
    assert inputs["mask_file"] in str(e.value)


def test_a_wire_that_brings_no_text_leaves_the_file(host: Any, folder: Path, mask: Any) -> None:
    mask.save(folder / "file.safetensors")
    inputs = {"mask_file": "file.safetensors", "embedded": ["text", 0]}
    graph = {"text": host.source("")} | load_graph(**inputs)
    assert same(host.run(graph, "load")[0], mask)
    graph["load"]["inputs"]["mask_file"] = GONE
    with pytest.raises(GraphError, match=r"execution_error: mask_file: .*gone"):
        host.run(graph, "load")


def test_the_mask_is_loaded_once_while_nothing_changes(
    host: Any, folder: Path, mask: Any, text: str
) -> None:
    for graph in (
        load_graph(mask_file=GONE, embedded=text),
        {"text": host.source(text)} | load_graph(mask_file=GONE, embedded=["text", 0]),
    ):
        first = host.run(graph, "load")[0]
        assert host.run(graph, "load")[0] is first


def test_another_text_is_another_mask(host: Any, extension: Any, folder: Path, mask: Any) -> None:
    embed_mask = extension.module("fia_core.mask_text").embed_mask
    other = replace(mask, concepts=("tench",))
    for one in (mask, other, mask):
        (loaded,) = host.run(load_graph(embedded=embed_mask(one)), "load")
        assert loaded.concepts == one.concepts


def test_spoilt_text_gives_one_clear_error(host: Any, folder: Path) -> None:
    with pytest.raises(GraphError, match=r"execution_error: embedded: this is no neuron mask"):
        host.run(load_graph(embedded="church"), "load")
