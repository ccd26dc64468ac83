"""Conditions that change the model: what draws, what is profiled, and in which order."""

from pathlib import Path
from typing import Any

import pytest
from demo_setup import demo_setup

from benchmarks.harness.drawing import Brush, shots_graph
from benchmarks.harness.fia_graph import concept_masks
from benchmarks.harness.lora import LORA
from benchmarks.harness.registry import method
from benchmarks.harness.server_folder import make_ready
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import parse_suite
from workbench.graph import ApiGraph

SETUP = demo_setup(
    {
        "FIAProfileConcept": {},
        "FIABuildConceptMask": {},
        "FIAFuseMasks": {},
        "FIAApplyNeuronMask": {},
    }
)
SHOT = Shot("cat", "beach", "", "a cat", 1)


def drawn(method_name: str, **sampling: Any) -> ApiGraph:
    brush = Brush(method(method_name), ("church",), {})
    return shots_graph(SETUP.sampled_with(sampling), brush, [SHOT])


def way(nodes: ApiGraph, class_type: str) -> list[str]:
    """The nodes that the model comes through to the node of that class, the nearest first."""
    (node,) = [node for node in nodes.values() if node["class_type"] == class_type]
    passed = []
    while "model" in node["inputs"]:
        node = nodes[node["inputs"]["model"][0]]
        passed.append(node["class_type"])
    return passed


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        ({}, ["FIAApplyNeuronMask", "FIADemoModel"]),
        ({"dtype": "bf16"}, ["FIAApplyNeuronMask", "ModelComputeDtype", "FIADemoModel"]),
        ({"lora": "before"}, ["FIAApplyNeuronMask", "LoraLoaderModelOnly", "FIADemoModel"]),
        ({"lora": "after"}, ["LoraLoaderModelOnly", "FIAApplyNeuronMask", "FIADemoModel"]),
    ],
)
def test_the_model_that_draws_is_changed_and_the_profiled_one_is_not(
    sampling: dict[str, str], wanted: list[str]
) -> None:
    nodes = drawn("fia", **sampling)
    assert way(nodes, "KSampler") == wanted
    assert way(nodes, "FIAProfileConcept") == ["FIADemoModel"]


@pytest.mark.parametrize("lora", ["before", "after"])
def test_the_base_model_has_the_lora_too(lora: str) -> None:
    assert way(drawn("base", lora=lora), "KSampler") == ["LoraLoaderModelOnly", "FIADemoModel"]


def test_a_changed_model_leaves_the_sampler_as_it_is() -> None:
    setup = SETUP.sampled_with({"steps": 5, "dtype": "bf16"})
    assert setup.sampler == {"steps": 5} and setup.latent == SETUP.latent


def test_profiling_in_half_precision_takes_no_cached_profile() -> None:
    draft = SETUP.draft()
    concept_masks(draft, SETUP, ("church",), {"dtype": "bf16"})
    assert way(draft.nodes, "FIAProfileConcept") == ["ModelComputeDtype", "FIADemoModel"]
    assert draft.nodes["FIAProfileConcept 2"]["inputs"]["use_cache"] is False


def test_a_lora_at_no_place_is_refused() -> None:
    with pytest.raises(ValueError, match="lora: is 'both'; write"):
        SETUP.sampled_with({"lora": "both"})


def test_the_folder_holds_the_lora_and_nothing_of_other_code(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    folder = tmp_path / "models"
    old = folder / "embeddings" / "learned.safetensors"
    old.parent.mkdir(parents=True)
    old.touch()
    make_ready(tmp_path, parse_suite("small", content))
    assert not old.exists() and not (folder / "loras").exists()
    old.parent.mkdir()
    old.touch()
    content["conditions"] = [{"name": "plain"}, {"name": "with", "lora": "after"}]
    make_ready(tmp_path, parse_suite("small", content))
    assert old.exists()  # the code is the same
    assert (folder / "loras" / LORA.name).read_bytes() == LORA.read_bytes()
