"""A node's help page, as a person opens it: select the node, press the info button."""

from comfy_page import ONCE, ComfyPage
from playwright.sync_api import expect

PICTURE = """() => {
  const image = document.querySelector(".node-help-content img");
  return image !== null && image.complete && image.naturalWidth > 0;
}"""

SELECT = """kind => {
  const node = LiteGraph.createNode(kind);
  app.graph.add(node);
  app.canvas.selectNode(node);
  return Number(node.id);
}"""


def open_help(comfy: ComfyPage, kind: str) -> None:
    """Show the help page of a new node of this type."""
    comfy.clear()
    comfy.look_at(comfy.page.evaluate(SELECT, kind), scale=0.5)  # the button is above the node
    comfy.page.get_by_test_id("info-button").click()
    comfy.page.wait_for_function(PICTURE)


@ONCE  # the panel is the same in both
def test_every_node_opens_its_page_with_its_picture(comfy: ComfyPage) -> None:
    kinds = comfy.page.evaluate(
        "Object.keys(LiteGraph.registered_node_types).filter((kind) => kind.startsWith('FIA'))"
    )
    assert kinds
    for kind in kinds:
        open_help(comfy, kind)
        title = comfy.page.evaluate("kind => LiteGraph.registered_node_types[kind].title", kind)
        expect(comfy.find(".node-help-content h1")).to_have_text(title)
    # The page asks for <node>/en.md first; <node>.md is for all languages that have no other.
    comfy.errors = [error for error in comfy.errors if not error.endswith("/en.md")]
