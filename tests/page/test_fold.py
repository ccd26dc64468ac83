"""Advanced widgets folded away behind a button, in the classic page."""

from typing import Any

import pytest
from comfy_page import ComfyPage

from workbench.erasure import WORKFLOW

PROFILE = "FIAProfileConcept"
MOST = 6

VISIBLE = """id => {
  const node = app.graph.getNodeById(id);
  return node.widgets.filter((w) => node.isWidgetVisible(w) && w.name[0] !== "$")
    .map((w) => w.name);
}"""
PRESS = """id => {
  const node = app.graph.getNodeById(id);
  node.widgets.find((w) => w.name === "more").callback();
}"""
ADD = "kind => { const node = LiteGraph.createNode(kind); app.graph.add(node); return node.id; }"
CONNECT_STEPS = """id => {
  const node = app.graph.getNodeById(id);
  const source = LiteGraph.createNode("PrimitiveInt");
  app.graph.add(source);
  source.connect(0, node, node.inputs.findIndex((slot) => slot.name === "steps"));
}"""
HEIGHT = "id => app.graph.getNodeById(id).size[1]"


def visible(comfy: ComfyPage, node: int) -> list[str]:
    return comfy.page.evaluate(VISIBLE, node)


def saved(comfy: ComfyPage, node: int) -> dict[str, Any]:
    (found,) = (
        one for one in comfy.page.evaluate("app.graph.serialize()")["nodes"] if one["id"] == node
    )
    return found


@pytest.mark.parametrize(
    ("kind", "folded_away"),
    [(PROFILE, {"steps", "width", "batch_size"}), ("FIAForgetLora", {"kind", "rank"})],
)
def test_a_new_node_shows_few_widgets_until_more_is_wanted(
    comfy: ComfyPage, renderer: str, kind: str, folded_away: set[str]
) -> None:
    node = comfy.page.evaluate(ADD, kind)
    comfy.settle()
    if renderer == "vue":  # it folds by itself, or not at all
        assert "more" not in visible(comfy, node)
        return
    folded = comfy.page.evaluate(HEIGHT, node)
    assert len(visible(comfy, node)) <= MOST
    assert {"concepts", "more"} <= set(visible(comfy, node))
    assert not folded_away & set(visible(comfy, node))
    comfy.page.evaluate(PRESS, node)
    comfy.settle()
    assert folded_away <= set(visible(comfy, node))
    assert comfy.page.evaluate(HEIGHT, node) > folded + 20 * len(folded_away)
    comfy.page.evaluate(PRESS, node)
    comfy.settle()
    assert len(visible(comfy, node)) <= MOST
    assert comfy.page.evaluate(HEIGHT, node) == folded


def test_folded_values_keep_their_places_and_a_connected_widget_stays(
    comfy: ComfyPage, renderer: str
) -> None:
    comfy.load_file(WORKFLOW)
    profile = comfy.only(PROFILE)
    graph = comfy.page.evaluate("app.graphToPrompt()")["output"]
    (inputs,) = (node["inputs"] for node in graph.values() if node["class_type"] == PROFILE)
    assert (inputs["steps"], inputs["profile_steps"], inputs["cfg"]) == (50, 10, 4)
    assert (inputs["width"], inputs["sampler"], inputs["use_cache"]) == (128, "euler", True)
    assert "more" not in inputs

    comfy.page.evaluate(CONNECT_STEPS, profile)
    comfy.settle()
    assert "steps" in visible(comfy, profile)
    assert renderer == "vue" or "cfg" not in visible(comfy, profile)

    before = saved(comfy, profile)
    comfy.set_widget(profile, "steps", 31)
    comfy.set_widget(profile, "use_cache", False)
    if renderer == "classic":
        comfy.page.evaluate(PRESS, profile)
    after = saved(comfy, profile)
    values = [*before["widgets_values"]]
    values[6], values[-1] = 31, False
    assert after["widgets_values"] == values

    comfy.load(comfy.page.evaluate("app.graph.serialize()"))
    assert saved(comfy, comfy.only(PROFILE))["widgets_values"] == values
    if renderer == "classic":
        assert "cfg" in visible(comfy, comfy.only(PROFILE)), "what was open stays open"
