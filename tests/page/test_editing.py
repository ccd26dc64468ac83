"""What people do to a workflow: reload, undo, subgraph, bypass, open an old one."""

from pathlib import Path
from typing import Any

import pytest
from comfy_page import ONCE, ComfyPage
from PIL import Image

from workbench.erasure import WORKFLOW

FIRST_RELEASE = Path(__file__).parents[1] / "workflows" / "first_release.json"
KINDS = ("FIAProfileConcept", "FIABuildConceptMask", "FIAFuseMasks", "FIAApplyNeuronMask")
APPLY = "FIAApplyNeuronMask"

SELECT = """kinds => {
  app.canvas.deselectAll();
  app.canvas.selectItems(app.graph.nodes.filter((node) => kinds.includes(node.type)));
}"""

SOURCES = """id => {
  const node = app.graph.getNodeById(id);
  return Object.fromEntries(node.inputs.filter((input) => input.link != null)
    .map((input) => [input.name, Number(app.graph.getLink(input.link).origin_id)]));
}"""


@pytest.fixture
def demo(comfy: ComfyPage) -> ComfyPage:
    """The page with the first workflow in it, made short."""
    comfy.load_file(WORKFLOW)
    comfy.shorten()
    comfy.remember()
    return comfy


def sources(comfy: ComfyPage, node: int) -> dict[str, int]:
    """Connected inputs of a node, and the nodes that they come from."""
    return comfy.page.evaluate(SOURCES, node)


def before_and_after(comfy: ComfyPage) -> tuple[Image.Image, Image.Image]:
    comfy.run()
    before, after = (comfy.picture(comfy.titled(title)) for title in ("Before", "After"))
    return before, after


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.tobytes() == other.tobytes()


def values(comfy: ComfyPage) -> dict[str, Any]:
    """Widget values of this extension's nodes, by type of node, as the workflow saves them."""
    saved = comfy.page.evaluate("app.graph.serialize()")["nodes"]
    return {node["type"]: node["widgets_values"] for node in saved if node["type"] in KINDS}


def test_reload_undo_and_redo_keep_every_value_and_wire(demo: ComfyPage) -> None:
    demo.set_widget(demo.only("FIAProfileConcept"), "concepts", "cat\ngas pump")
    demo.set_widget(demo.only(APPLY), "strength", 0.35)
    demo.remember()
    kept = values(demo)
    assert kept[APPLY] == [0.35]
    demo.command("Comfy.Undo")
    assert demo.widget(demo.only(APPLY), "strength") == 1
    demo.command("Comfy.Redo")
    assert values(demo) == kept

    fuse = demo.only("FIAFuseMasks")
    wires = sources(demo, demo.only(APPLY))
    demo.page.evaluate(SELECT, ["FIAFuseMasks"])
    demo.command("Comfy.Canvas.DeleteSelectedItems")
    demo.remember()
    assert demo.node_ids("FIAFuseMasks") == []
    demo.command("Comfy.Undo")
    assert demo.node_ids("FIAFuseMasks") == [fuse]
    assert sources(demo, demo.only(APPLY)) == wires

    demo.remember()
    demo.reload()
    assert values(demo) == kept
    before, after = before_and_after(demo)
    assert not same(before, after)
    report = demo.output(demo.titled("What was pruned"))["text"]
    assert "gas pump" in "".join(report)


def test_the_four_nodes_work_the_same_in_a_subgraph_and_after_a_reload(demo: ComfyPage) -> None:
    _, after = before_and_after(demo)
    demo.page.evaluate(SELECT, list(KINDS))
    demo.command("Comfy.Graph.ConvertToSubgraph")
    demo.remember()
    assert all(demo.node_ids(kind) == [] for kind in KINDS)
    _, inside = before_and_after(demo)
    assert same(inside, after)
    demo.reload()
    assert demo.missing_nodes() == []
    _, reloaded = before_and_after(demo)
    assert same(reloaded, after)


@ONCE  # what the server draws
def test_apply_bypassed_gives_the_plain_picture(demo: ComfyPage) -> None:
    before, after = before_and_after(demo)
    assert not same(before, after)
    demo.page.evaluate(SELECT, [APPLY])
    demo.command("Comfy.Canvas.ToggleSelectedNodes.Bypass")
    before, after = before_and_after(demo)
    assert same(before, after)
    demo.page.evaluate(SELECT, [APPLY])
    demo.command("Comfy.Canvas.ToggleSelectedNodes.Bypass")
    before, after = before_and_after(demo)
    assert not same(before, after)


@ONCE  # of the graph alone
def test_a_workflow_of_the_first_release_opens_and_runs(comfy: ComfyPage) -> None:
    comfy.load_file(FIRST_RELEASE)
    assert comfy.missing_nodes() == []
    assert comfy.widget(comfy.only("FIAProfileConcept"), "concepts") == "church\ngolf ball"
    assert comfy.widget(comfy.only("FIAProfileConcept"), "use_cache") is True  # a later release's
    comfy.shorten()
    before, after = before_and_after(comfy)
    assert not same(before, after)
