"""A change of kind in Profile Concept brings the paper's numbers, and each stays open to change."""

import json
from typing import Any

from comfy_page import ONCE, TOAST, ComfyPage
from playwright.sync_api import expect

from workbench.erasure import WORKFLOW

WIDGETS = """() => Object.fromEntries(app.graph.nodes.flatMap((node) =>
  (node.widgets ?? []).map((widget) => [`${node.type}.${widget.name}`, widget.value])))"""

CONNECT_KIND = """id => {
  const node = app.graph.getNodeById(id);
  const primitive = LiteGraph.createNode("PrimitiveNode");
  app.graph.add(primitive);
  primitive.connect(0, node, node.inputs.findIndex(({ name }) => name === "kind"));
}"""


def numbers(comfy: ComfyPage) -> tuple[Any, ...]:
    widgets = comfy.page.evaluate(WIDGETS)
    return (
        widgets["FIAProfileConcept.temporal_sparsity"],
        widgets["FIABuildConceptMask.spatial_sparsity"],
        widgets["FIAFuseMasks.agnostic_ratio"],
    )


def test_the_kind_sets_the_papers_numbers(comfy: ComfyPage, renderer: str) -> None:
    comfy.load_file(WORKFLOW)
    before = numbers(comfy)
    profile = comfy.only("FIAProfileConcept")
    build = comfy.only("FIABuildConceptMask")
    assert before != (5, 2, 80)

    comfy.set_widget(profile, "contexts", "")
    comfy.set_widget(profile, "kind", "art style")
    comfy.find(TOAST, has_text="spatial sparsity 2 %").wait_for()
    assert numbers(comfy) == (5, 2, 80)
    if renderer == "vue":
        shown = comfy.find(f'[data-node-id="{build}"] input').first
        expect(shown).to_have_value("2.0")  # a slider shows the digits of its step

    comfy.set_widget(build, "spatial_sparsity", 3)
    assert numbers(comfy) == (5, 3, 80)

    own = comfy.find(TOAST, has_text="clear them to use this kind's")
    expect(own).to_have_count(0)
    comfy.set_widget(profile, "contexts", "park")
    comfy.set_widget(profile, "kind", "object")
    own.filter(has_text="spatial sparsity 1 %").wait_for()
    assert numbers(comfy) == (5, 1, 60)
    assert comfy.widget(profile, "contexts") == "park"


@ONCE  # of the graph alone
def test_nothing_but_a_persons_choice_of_a_kind_changes_a_number(comfy: ComfyPage) -> None:
    """Neither opening a workflow, nor a run with a kind from another node, nor opening what a
    program posts, where the page calls the kind's callback as if a person had chosen it."""
    workflow = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    for node in workflow["nodes"]:
        if node["type"] == "FIABuildConceptMask":
            node["widgets_values"][0] = 4.2
    comfy.load(workflow)
    comfy.page.evaluate(CONNECT_KIND, comfy.only("FIAProfileConcept"))
    comfy.page.evaluate("app.graphToPrompt()")  # as Run does
    comfy.page.wait_for_timeout(500)
    assert numbers(comfy)[1] == 4.2

    comfy.set_widget(comfy.only("PrimitiveNode"), "value", "art style")
    comfy.find(TOAST, has_text="spatial sparsity 2 %").wait_for()
    assert numbers(comfy) == (5, 2, 80)

    comfy.set_widget(comfy.only("FIABuildConceptMask"), "spatial_sparsity", 4.2)
    comfy.page.evaluate(
        "app.graphToPrompt().then(({ output }) => app.loadApiJson(output, 'posted'))"
    )
    comfy.page.wait_for_timeout(500)
    assert comfy.widget(comfy.only("FIAProfileConcept"), "kind") == "art style"
    assert numbers(comfy) == (5, 4.2, 80)
