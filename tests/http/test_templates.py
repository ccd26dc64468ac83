"""The bundled workflows that need a checkpoint, and the blueprint, over HTTP."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.environment import HOST, HOST_PYTHON, ROOT
from workbench.erasure import FIRST_STEPS, WORKFLOW
from workbench.graph import ALWAYS, PageWorkflow, flat, to_api

LOADER = "CheckpointLoaderSimple"
SHORT: dict[str, dict[str, Any]] = {
    "FIAProfileConcept": {
        "contexts": "man\nwoman",
        "profile_steps": 1,
        "width": 64,
        "height": 64,
        "use_cache": False,
    },
    "EmptyLatentImage": {"width": 64, "height": 64, "batch_size": 1},
    "FIAStrengthStrip": {"strengths": "0, 1"},
    "KSampler": {"steps": 1},
}
"""Inputs that make a run of a whole Stable Diffusion's text encoder and autoencoder quick."""

BLUEPRINT = ROOT / "subgraphs" / "Forget It All.json"
OUTSIDE = -10
"""Where a link comes from that enters a subgraph."""


def needs_checkpoint(file: Path) -> bool:
    nodes = flat(json.loads(file.read_text(encoding="utf-8")))["nodes"]
    return any(node["type"] == LOADER for node in nodes)


CHECKPOINT_WORKFLOWS = sorted(filter(needs_checkpoint, WORKFLOW.parent.glob("*.json")))


@pytest.fixture(scope="session")
def checkpoint(client: Any) -> Iterator[str]:
    """Name of a checkpoint of random weights in the server's models folder."""
    file = client.base / "models" / "checkpoints" / "random_sd15.safetensors"
    script = ROOT / "tests" / "host" / "tiny_checkpoint.py"
    subprocess.run([HOST_PYTHON, "-P", script, HOST, file], check=True)
    yield file.name
    file.unlink()


@pytest.mark.parametrize("file", CHECKPOINT_WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_for_checkpoints_runs(client: Any, checkpoint: str, file: Path) -> None:
    page = flat(json.loads(file.read_text(encoding="utf-8")))
    for node in page["nodes"]:
        node["mode"] = ALWAYS  # as a person does who exports the checkpoint
    graph = to_api(page, client.object_info)
    for node in graph.values():
        node["inputs"] |= SHORT.get(node["class_type"], {})
        if node["class_type"] == LOADER:
            node["inputs"]["ckpt_name"] = checkpoint
    shown = client.run(graph)
    exported = list((client.base / "output").rglob("*.safetensors"))
    for output in exported:
        output.unlink()  # hundreds of megabytes
    exports = [node for node in graph.values() if node["class_type"] == "CheckpointSave"]
    assert len(exported) == len(exports)
    drawn = {id for id, outputs in shown.items() if "images" in outputs or "a_images" in outputs}
    drawing = ("PreviewImage", "FIACompareErasure", "FIAInspectMask")
    assert drawn >= {id for id, node in graph.items() if node["class_type"] in drawing}
    assert drawn


def test_the_blueprint_is_offered_as_it_lies_here(client: Any) -> None:
    offered = client.get("/global_subgraphs")  # newer hosts have some of their own
    (id,) = (id for id, entry in offered.items() if entry["name"] == BLUEPRINT.stem)
    assert client.get(f"/global_subgraphs/{id}")["data"] == BLUEPRINT.read_text(encoding="utf-8")


def test_the_blueprint_fits_the_nodes(client: Any) -> None:
    graph = to_api(inside(json.loads(BLUEPRINT.read_text(encoding="utf-8"))), client.object_info)
    kinds = [node["class_type"] for node in graph.values()]
    assert kinds == [
        "FIAProfileConcept",
        "FIABuildConceptMask",
        "FIAFuseMasks",
        "FIAApplyNeuronMask",
    ]
    for node in graph.values():
        known = client.object_info[node["class_type"]]["input"]
        assert set(node["inputs"]) <= {*known["required"], *known.get("optional", {})}


def test_the_blueprint_says_what_it_is_for_and_where_it_belongs() -> None:
    page = json.loads(BLUEPRINT.read_text(encoding="utf-8"))
    (subgraph,) = page["definitions"]["subgraphs"]
    assert subgraph["category"] == "Forget It All"
    assert subgraph["description"] == page["extra"]["BlueprintDescription"] != ""
    assert {"erase", "unlearn", "negative", "LECO", "slider", "NAG"} <= set(
        page["extra"]["BlueprintSearchAliases"]
    )


def test_the_templates_copies_of_the_blueprint_have_its_inputs() -> None:
    for file in (BLUEPRINT, FIRST_STEPS, FIRST_STEPS.with_name("forget_as_app.json")):
        page = json.loads(file.read_text(encoding="utf-8"))
        subgraph = page["definitions"]["subgraphs"][0]
        (node,) = (node for node in page["nodes"] if node["type"] == subgraph["id"])
        for part in (subgraph, node):
            inputs = [socket["name"] for socket in part["inputs"]]
            assert inputs == ["model", "clip", "concepts", "protect"]


@pytest.mark.parametrize("file", CHECKPOINT_WORKFLOWS, ids=lambda file: file.stem)
def test_a_checkpoint_is_offered_for_download(file: Path) -> None:
    nodes = flat(json.loads(file.read_text(encoding="utf-8")))["nodes"]
    (loader,) = (node for node in nodes if node["type"] == LOADER)
    (model,) = loader["properties"]["models"]
    assert model["name"] == loader["widgets_values"][0]
    assert model["url"].startswith("https://huggingface.co/")
    assert model["url"].endswith(f"/{model['name']}")
    assert model["directory"] == "checkpoints"


def test_what_the_blueprint_promotes_is_there(client: Any) -> None:
    page = json.loads(BLUEPRINT.read_text(encoding="utf-8"))
    (node,) = page["nodes"]
    (subgraph,) = page["definitions"]["subgraphs"]
    assert node["type"] == subgraph["id"]
    widgets = {
        (str(inner["id"]), socket["name"])
        for inner in subgraph["nodes"]
        for socket in inner["inputs"]
        if "widget" in socket and socket["link"] is None
    }
    for source, name in node["properties"]["proxyWidgets"]:
        if source == "-1":  # an input of the subgraph itself
            assert name in {socket["name"] for socket in subgraph["inputs"]}
        else:
            assert (source, name) in widgets


def inside(blueprint: PageWorkflow) -> PageWorkflow:
    """The only subgraph of a blueprint as a workflow; what enters it is left unconnected."""
    (subgraph,) = blueprint["definitions"]["subgraphs"]
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    links = [[link[name] for name in names] for link in subgraph["links"]]
    own = {link[0] for link in links if link[1] != OUTSIDE}
    for node in subgraph["nodes"]:
        for socket in node["inputs"]:
            if socket["link"] not in own:
                socket["link"] = None
    return {"nodes": subgraph["nodes"], "links": links}
