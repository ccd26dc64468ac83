"""From the page's form of a workflow to the server's."""

import copy
from typing import Any

import pytest

from workbench.graph import WorkflowFormatError, to_api

OBJECT_INFO: dict[str, Any] = {
    "Loader": {"display_name": "Loader", "input": {}},
    "Sampler": {
        "display_name": "Sampler",
        "input": {
            "required": {
                "model": ["MODEL", {}],
                "seed": ["INT", {"control_after_generate": True}],
                "steps": ["INT", {}],
                "name": [["euler", "heun"], {}],
            },
            "optional": {"note": ["STRING", {}], "forced": ["INT", {"forceInput": True}]},
        },
    },
}

WORKFLOW: dict[str, Any] = {
    "nodes": [
        {"id": 1, "type": "Loader", "widgets_values": [], "inputs": []},
        {
            "id": 2,
            "type": "Sampler",
            "title": "Mine",
            "inputs": [{"name": "model", "type": "MODEL", "link": 7}],
            "widgets_values": [5, "randomize", 20, "heun", "hello"],
        },
        {"id": 3, "type": "MarkdownNote", "widgets_values": ["text"]},
    ],
    "links": [[7, 1, 0, 2, 0, "MODEL"]],
}


def test_widgets_go_by_position_and_links_by_name() -> None:
    assert to_api(WORKFLOW, OBJECT_INFO) == {
        "1": {"class_type": "Loader", "inputs": {}, "_meta": {"title": "Loader"}},
        "2": {
            "class_type": "Sampler",
            "inputs": {"model": ["1", 0], "seed": 5, "steps": 20, "name": "heun", "note": "hello"},
            "_meta": {"title": "Mine"},
        },
    }


def test_a_seed_that_says_it_has_no_control_has_none() -> None:
    info, workflow = copy.deepcopy(OBJECT_INFO), copy.deepcopy(WORKFLOW)
    info["Sampler"]["input"]["required"]["seed"][1]["control_after_generate"] = False
    workflow["nodes"][1]["widgets_values"].remove("randomize")
    assert to_api(workflow, info)["2"]["inputs"]["steps"] == 20


def test_a_linked_widget_takes_the_link_and_keeps_its_place() -> None:
    workflow = copy.deepcopy(WORKFLOW)
    workflow["nodes"][1]["inputs"].append({"name": "steps", "type": "INT", "link": 8})
    workflow["links"].append([8, 1, 1, 2, 1, "INT"])
    inputs = to_api(workflow, OBJECT_INFO)["2"]["inputs"]
    assert inputs["steps"] == ["1", 1]
    assert inputs["name"] == "heun"


def test_an_optional_value_may_be_missing_at_the_end() -> None:
    workflow = copy.deepcopy(WORKFLOW)
    workflow["nodes"][1]["widgets_values"].pop()
    inputs = to_api(workflow, OBJECT_INFO)["2"]["inputs"]
    assert inputs == {"model": ["1", 0], "seed": 5, "steps": 20, "name": "heun"}


@pytest.mark.parametrize("values", [[5, "randomize", 20], [5, "randomize", 20, "heun", "a", "b"]])
def test_a_wrong_number_of_widget_values_is_refused(values: list[object]) -> None:
    workflow = copy.deepcopy(WORKFLOW)
    workflow["nodes"][1]["widgets_values"] = values
    with pytest.raises(WorkflowFormatError, match=rf"\(Sampler\) has {len(values)} widget values"):
        to_api(workflow, OBJECT_INFO)
