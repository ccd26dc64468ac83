"""The workflow that exports a checkpoint, and the blueprint, over HTTP."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.environment import HOST, HOST_PYTHON, ROOT
from workbench.erasure import FIRST_STEPS, WORKFLOW
from workbench.graph import ALWAYS, to_api

EXPORT = WORKFLOW.with_name("export_erased_checkpoint.json")
SHORT: dict[str, dict[str, Any]] = {
    "FIAProfileConcept": {
        "contexts": "man\nwoman",
        "profile_steps": 1,
        "width": 64,
        "height": 64,
        "use_cache": False,
    },
    "EmptyLatentImage": {"width": 64, "height": 64, "batch_size": 1},
    "KSampler": {"steps": 1},
}
"""Inputs that make a run of a whole Stable Diffusion's text encoder and autoencoder quick."""

BLUEPRINT = ROOT / "subgraphs" / "Forget It All.json"


@pytest.fixture(scope="session")
def checkpoint(client: Any) -> Iterator[str]:
    """Name of a checkpoint of random weights in the server's models folder."""
    file = client.base / "models" / "checkpoints" / "random_sd15.safetensors"
    script = ROOT / "tests" / "host" / "tiny_checkpoint.py"
    subprocess.run([HOST_PYTHON, "-P", script, HOST, file], check=True)
    yield file.name
    file.unlink()


def test_the_erased_checkpoint_is_written_once(client: Any, checkpoint: str) -> None:
    page = json.loads(EXPORT.read_text(encoding="utf-8"))
    for node in page["nodes"]:
        node["mode"] = ALWAYS  # as a person does who exports the checkpoint
    graph = to_api(page, client.object_info)
    for node in graph.values():
        node["inputs"] |= SHORT.get(node["class_type"], {})
        if node["class_type"] == "CheckpointLoaderSimple":
            node["inputs"]["ckpt_name"] = checkpoint
    shown = client.run(graph)
    (exported,) = (client.base / "output").rglob("*.safetensors")
    exported.unlink()  # hundreds of megabytes
    (preview,) = (id for id, node in graph.items() if node["class_type"] == "PreviewImage")
    assert shown[preview]["images"]


def test_the_blueprint_is_offered_as_it_lies_here(client: Any) -> None:
    offered = client.get("/global_subgraphs")  # newer hosts have some of their own
    (id,) = (id for id, entry in offered.items() if entry["name"] == BLUEPRINT.stem)
    assert client.get(f"/global_subgraphs/{id}")["data"] == BLUEPRINT.read_text(encoding="utf-8")


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
