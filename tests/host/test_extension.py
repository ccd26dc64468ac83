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
    assert extension.module("nodes.shared").fraction(percent) == expected
