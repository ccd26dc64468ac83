"""The host loads the pack and shows its nodes as the documents promise."""

from typing import Any

import pytest

NODE_IDS = (
    "FIAProfileConcept",
    "FIABuildConceptMask",
    "FIAFuseMasks",
    "FIAApplyNeuronMask",
    "FIASaveNeuronMask",
    "FIALoadNeuronMask",
    "FIAInspectMask",
    "FIADemoModel",
    "FIACompareErasure",
    "FIAStrengthStrip",
    "FIASaveErasureLora",
    "FIAForgetLora",
    "FIACreateErasureHook",
)
PROFILE_INPUTS = (
    "model clip concepts kind contexts concept_templates base_template seed steps profile_steps "
    "cfg sampler scheduler width height batch_size temporal_sparsity saliency_form"
)


@pytest.mark.parametrize("node_id", NODE_IDS)
def test_every_node_is_registered_and_explains_itself(extension: Any, node_id: str) -> None:
    info = extension.node(node_id).GET_NODE_INFO_V1()
    assert info["category"] == "Forget It All"
    assert info["description"]
    inputs = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    for name, (_, options) in inputs.items():
        assert options["tooltip"].strip(), name
    assert all(info["output_tooltips"])


SHOWN = {
    "FIAProfileConcept": ["concepts", "kind"],
    "FIABuildConceptMask": ["spatial_sparsity"],
    "FIAFuseMasks": ["agnostic_ratio"],
    "FIAApplyNeuronMask": ["strength"],
    "FIAForgetLora": ["concepts", "instead", "keep", "amount"],
}
SLIDERS = {"strength", "spatial_sparsity", "agnostic_ratio"}
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


@pytest.mark.parametrize("node_id", SHOWN)
def test_a_newcomer_sees_few_widgets_and_the_strengths_are_sliders(
    extension: Any, node_id: str
) -> None:
    info = extension.node(node_id).GET_NODE_INFO_V1()["input"]
    widgets = {
        name: options
        for name, (kind, options) in {**info["required"], **info.get("optional", {})}.items()
        if kind in WIDGETS or isinstance(kind, list)
    }
    shown = [name for name, options in widgets.items() if not options.get("advanced")]
    assert shown == SHOWN[node_id]
    assert {name for name, o in widgets.items() if o.get("display") == "slider"} == (
        SLIDERS & set(widgets)
    )


def test_the_nodes_are_found_by_what_people_call_it(extension: Any) -> None:
    """Hosts from 0.11 on search these words too; the floor's schema has no such field."""
    from comfy_api.latest import io

    known = "search_aliases" in io.Schema.__dataclass_fields__
    found = {
        node.GET_SCHEMA().node_id: node.GET_NODE_INFO_V1().get("search_aliases", [])
        for node in extension.module("nodes").NODES
    }
    assert all(("forget it all" in words) == known for words in found.values())
    asked = {"erase", "unlearn", "remove", "negative", "LECO", "slider", "NAG"} if known else set()
    assert asked <= set(found["FIAProfileConcept"]) & set(found["FIAForgetLora"])


def test_saved_workflows_find_their_inputs_by_position(extension: Any) -> None:
    order = extension.node("FIAProfileConcept").GET_NODE_INFO_V1()["input_order"]
    assert order["required"] == PROFILE_INPUTS.split()
    assert order["optional"] == ["use_cache"]


@pytest.mark.parametrize(
    ("percent", "expected"), [(0.7, 0.007), (5.0, 0.05), (60.00000000000001, 0.6), (100.0, 1.0)]
)
def test_percent_become_the_fraction_that_the_user_sees(
    extension: Any, percent: float, expected: float
) -> None:
    assert extension.module("nodes.fields.shared").fraction(percent) == expected


@pytest.mark.parametrize("percent", [0.0125, 0.7, 7.0, 60.0, 100.0])
def test_a_fraction_is_shown_as_the_percentage_that_it_came_from(
    extension: Any, percent: float
) -> None:
    shared = extension.module("nodes.fields.shared")
    assert shared.percentage(shared.fraction(percent)) == percent
