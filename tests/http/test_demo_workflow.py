"""The demo workflow over HTTP, as the page and demo.py run it."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.client import WorkflowError
from workbench.erasure import WORKFLOW
from workbench.graph import ApiGraph, widget_names

WORKFLOWS = sorted(
    file
    for file in WORKFLOW.parent.glob("*.json")
    if "definitions" not in json.loads(file.read_text(encoding="utf-8"))
)
"""Without those of subgraphs, which only the page takes apart; its tests run them."""


def id_of(title: str, graph: ApiGraph) -> str:
    return next(id for id, node in graph.items() if node["_meta"]["title"] == title)


def pictures(client: Any, graph: ApiGraph) -> tuple[Image.Image, Image.Image, dict[str, Any]]:
    shown = client.run(graph)
    before, after = (client.images(shown[id_of(title, graph)]) for title in ("Before", "After"))
    return before[0], after[0], shown


def test_it_forgets_and_reports(client: Any, workflow: ApiGraph) -> None:
    before, after, shown = pictures(client, workflow)
    assert before.size == after.size == (128, 128)
    assert before.tobytes() != after.tobytes()
    report = "".join(shown[id_of("What was pruned", workflow)]["text"])
    assert "church" in report and "golf ball" in report


def test_strength_0_gives_the_plain_picture(client: Any, workflow: ApiGraph) -> None:
    workflow[id_of("Apply Neuron Mask", workflow)]["inputs"]["strength"] = 0.0
    before, after, _ = pictures(client, workflow)
    assert before.tobytes() == after.tobytes()


def test_a_failing_node_is_named_with_its_reason(client: Any, workflow: ApiGraph) -> None:
    workflow[id_of("Profile Concept", workflow)]["inputs"]["concepts"] = ""
    with pytest.raises(WorkflowError, match=r"^Profile Concept: concepts"):
        client.run(workflow)


def test_a_refused_input_is_named(client: Any, workflow: ApiGraph) -> None:
    workflow[id_of("Apply Neuron Mask", workflow)]["inputs"]["strength"] = 3.0
    with pytest.raises(WorkflowError, match=r"^Apply Neuron Mask: .*strength"):
        client.run(workflow)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_the_links_of_a_bundled_workflow_agree_on_both_ends(client: Any, file: Path) -> None:
    page = json.loads(file.read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in page["nodes"]}
    for id, source, output, target, slot, kind in page["links"]:
        assert id in nodes[source]["outputs"][output]["links"]
        assert nodes[source]["outputs"][output]["type"] == kind
        assert nodes[target]["inputs"][slot]["link"] == id
    for node in page["nodes"]:
        if node["type"] in client.object_info:
            info = client.object_info[node["type"]]
            outputs = [one["type"] for one in node["outputs"]]
            assert outputs == info["output"][: len(outputs)]
            # newer hosts' own nodes have further ones
            assert len(outputs) == len(info["output"]) or not node["type"].startswith("FIA")
            sockets = [one["name"] for one in node["inputs"] if "widget" in one]
            assert set(sockets) == {name for name in widget_names(info) if name} - socketless(info)


def socketless(info: dict[str, Any]) -> set[str]:
    """Widgets of a node that nothing can be wired to."""
    groups = (info["input"].get(group, {}) for group in ("required", "optional"))
    specs = {name: spec for group in groups for name, spec in group.items()}
    return {name for name, spec in specs.items() if len(spec) > 1 and spec[1].get("socketless")}
