"""Compare Erasure in the page: a person runs, looks, moves the line, enlarges, comes back later."""

import io
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from comfy_page import ComfyPage, Workflow
from PIL import Image
from playwright.sync_api import Locator, expect

KIND = "FIACompareErasure"
NODE = 3
RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF
WIDTH, HEIGHT = 96, 64
RATIO = WIDTH / HEIGHT
HISTORY = "/history?max_items=32"  # the page itself asks for more runs

KEEP_OUTPUTS = """() => {
  // The page itself misses some of what a run sends that is over before it knows of the run.
  const { changeTracker } = app.extensionManager.workflow.activeWorkflow;
  changeTracker.nodeOutputs = { ...app.nodeOutputs };
}"""

workflow_numbers = itertools.count(1)


def workflow(batch: int = 1) -> Workflow:
    """Red pictures before, blue ones after; a workflow that no other test has run."""
    return {
        "id": f"00000000-0000-4000-8000-{next(workflow_numbers):012}",
        "version": 0.4,
        "last_node_id": NODE,
        "last_link_id": 2,
        "nodes": [
            plain(1, [0, 0], [WIDTH, HEIGHT, batch, RED], link=1),
            plain(2, [0, 220], [WIDTH, HEIGHT, batch, BLUE], link=2),
            {
                **node(NODE, KIND, [400, 0], [360, 380]),
                "inputs": [
                    {"name": "before", "type": "IMAGE", "link": 1},
                    {"name": "after", "type": "IMAGE", "link": 2},
                ],
                "outputs": [{"name": "side by side", "type": "IMAGE", "links": []}],
            },
        ],
        "links": [[1, 1, 0, NODE, 0, "IMAGE"], [2, 2, 0, NODE, 1, "IMAGE"]],
    }


def plain(number: int, place: list[int], widgets: list[int], link: int) -> dict[str, Any]:
    """The host's node that gives pictures of one colour."""
    outputs = [{"name": "IMAGE", "type": "IMAGE", "links": [link]}]
    own = {"outputs": outputs, "widgets_values": widgets}
    return {**node(number, "EmptyImage", place, [270, 130]), **own}


def node(number: int, kind: str, place: list[int], size: list[int]) -> dict[str, Any]:
    """What the page demands of every node in a workflow."""
    common = {"flags": {}, "order": number - 1, "mode": 0, "properties": {}}
    return {"id": number, "type": kind, "pos": place, "size": size, **common}


def open_and_run(comfy: ComfyPage, batch: int = 1) -> None:
    comfy.load(workflow(batch))
    comfy.look_at(NODE)
    comfy.run()
    expect(stage(comfy)).to_be_visible()


def stage(comfy: ComfyPage) -> Locator:
    """The picture with its line, in the node."""
    return comfy.find(".fia-compare-stage").first


def asks_for_runs(comfy: ComfyPage) -> list[str]:
    """The requests for the last runs from now on."""
    asked: list[str] = []
    comfy.page.on("request", lambda one: asked.append(one.url) if HISTORY in one.url else None)
    return asked


def large(comfy: ComfyPage) -> Locator:
    """The enlarged picture."""
    return comfy.find("dialog .fia-compare-stage")


def point(picture: Locator, share: float) -> tuple[float, float]:
    """A place on the picture, below the labels, at a share of its width."""
    box = picture.bounding_box()
    assert box
    return box["x"] + share * box["width"], box["y"] + 0.7 * box["height"]


def expect_line(picture: Locator, percent: int) -> None:
    expect(picture).to_have_attribute("aria-valuenow", str(percent))


def expect_colours(picture: Locator, share: float, names: tuple[str, str]) -> None:
    """Wait until the colours on either side of a share of the picture's width are these."""
    seen: tuple[str, ...] = ()
    for _ in range(100):
        seen = colours(picture, share)
        if seen == names:
            return
        picture.page.wait_for_timeout(100)
    assert seen == names


def colours(picture: Locator, share: float) -> tuple[str, ...]:
    """What is seen on either side of a share of the picture's width, above the line's handle."""
    shot = Image.open(io.BytesIO(picture.screenshot())).convert("RGB")
    known = {b"\xff\0\0": "red", b"\0\xff\0": "green", b"\0\0\xff": "blue"}
    y = round(0.3 * shot.height)
    sides = (round((share + step) * shot.width) for step in (-0.05, 0.05))
    pixels = [shot.crop((x, y, x + 1, y + 1)).tobytes() for x in sides]
    return tuple(known.get(pixel, pixel.hex()) for pixel in pixels)


def test_a_run_brings_the_picture_and_saves_nothing_with_the_workflow(comfy: ComfyPage) -> None:
    comfy.load(workflow())
    comfy.look_at(NODE)
    expect(comfy.find(".fia-compare-message")).to_have_text("Run the workflow to compare.")
    expect(stage(comfy)).to_be_hidden()
    comfy.run()
    expect(stage(comfy)).to_be_visible()
    expect(comfy.find(".fia-compare-message")).to_be_hidden()
    expect(comfy.find(".fia-compare-strip")).to_be_hidden()
    expect_colours(stage(comfy), 0.5, ("red", "blue"))
    assert comfy.output(NODE).keys() == {"a_images", "b_images"}
    saved = comfy.page.evaluate(
        "id => app.graph.serialize().nodes.find(node => node.id === id)", NODE
    )
    assert not saved.get("widgets_values")
    prompt = comfy.page.evaluate("async () => (await app.graphToPrompt()).output")
    assert prompt[str(NODE)]["inputs"].keys() == {"before", "after"}


def test_the_line_follows_mouse_keys_and_finger_and_the_graph_moves_over_it(
    comfy: ComfyPage,
) -> None:
    open_and_run(comfy)
    picture, mouse = stage(comfy), comfy.page.mouse
    expect_line(picture, 50)
    mouse.move(*point(picture, 0.25))
    expect_line(picture, 25)
    expect_colours(picture, 0.25, ("red", "blue"))
    mouse.move(*point(picture, 0.8))
    expect_line(picture, 80)

    picture.focus()
    moved = (("ArrowLeft", 78), ("Shift+ArrowLeft", 68), ("ArrowRight", 70), ("Home", 0))
    for key, percent in (*moved, (" ", 100), (" ", 0), ("End", 100)):
        comfy.page.keyboard.press(key)
        expect_line(picture, percent)
    expect_colours(picture, 0.5, ("red", "red"))

    touch = comfy.page.context.new_cdp_session(comfy.page)
    for event, share in (("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.7)):
        x, y = point(picture, share)
        touch.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect_line(picture, 70)
    expect(comfy.find("dialog.fia-compare-dialog")).to_have_count(0)

    mouse.move(*point(picture, 0.5))
    mouse.wheel(0, -200)
    comfy.page.wait_for_function("app.canvas.ds.scale > 1")
    before = comfy.page.evaluate("[...app.canvas.ds.offset]")
    x, y = point(picture, 0.5)
    mouse.move(x, y)
    mouse.down(button="middle")
    mouse.move(x + 60, y + 40, steps=4)
    mouse.up(button="middle")
    after = comfy.page.evaluate("[...app.canvas.ds.offset]")
    assert after[0] > before[0] and after[1] > before[1]


def test_a_batch_is_chosen_from(comfy: ComfyPage) -> None:
    open_and_run(comfy, batch=3)
    thumbnails = comfy.find(".fia-compare-thumbnail")
    counter = comfy.find(".fia-compare-counter")
    shown = comfy.find(".fia-compare-stage img.fia-compare-after")
    expect(thumbnails).to_have_count(3)
    expect(counter).to_have_text("1 / 3")
    files = [image["filename"] for image in comfy.output(NODE)["b_images"]]
    expect(shown).to_have_attribute("src", re.compile(re.escape(files[0])))

    thumbnails.nth(1).click()
    expect(counter).to_have_text("2 / 3")
    expect(thumbnails.nth(1)).to_have_attribute("aria-checked", "true")
    expect(thumbnails.nth(0)).to_have_attribute("aria-checked", "false")
    expect(shown).to_have_attribute("src", re.compile(re.escape(files[1])))
    comfy.page.keyboard.press("ArrowRight")
    expect(counter).to_have_text("3 / 3")
    expect(thumbnails.nth(2)).to_be_focused()

    expect(stage(comfy)).to_have_attribute("aria-valuetext", "50 % before, pair 3 / 3")
    stage(comfy).focus()
    comfy.page.keyboard.press("PageDown")
    expect(counter).to_have_text("1 / 3")
    comfy.page.keyboard.press("PageUp")
    expect(counter).to_have_text("3 / 3")


def test_a_click_enlarges(comfy: ComfyPage) -> None:
    open_and_run(comfy, batch=2)
    small = stage(comfy).bounding_box()
    comfy.page.mouse.click(*point(stage(comfy), 0.3))
    expect(large(comfy)).to_be_focused()
    box = large(comfy).bounding_box()
    assert small and box and box["width"] > 1.5 * small["width"]
    assert box["width"] / box["height"] == pytest.approx(RATIO, rel=0.01)
    expect_line(large(comfy), 30)  # where it was in the node
    comfy.page.mouse.move(*point(large(comfy), 0.75))
    expect_line(large(comfy), 75)
    expect_colours(large(comfy), 0.75, ("red", "blue"))
    comfy.page.keyboard.press("ArrowLeft")
    comfy.page.keyboard.press("PageDown")
    comfy.page.keyboard.press("Delete")  # must not reach the node below
    comfy.page.keyboard.press("Escape")
    expect(comfy.find("dialog.fia-compare-dialog")).to_have_count(0)
    expect(stage(comfy)).to_be_focused()
    expect_line(stage(comfy), 73)
    expect(comfy.find(".fia-compare-counter")).to_have_text("2 / 2")
    assert comfy.node_ids(KIND) == [NODE]

    comfy.page.keyboard.press("Enter")
    expect(large(comfy)).to_be_visible()
    comfy.page.mouse.click(8, 8)
    expect(large(comfy)).to_have_count(0)

    stage(comfy).focus()
    comfy.page.keyboard.press("Enter")
    expect(large(comfy)).to_be_focused()
    for source in (1, 2):
        comfy.set_widget(source, "batch_size", 1)
    comfy.run()  # fewer pairs than the one that is shown
    comfy.page.keyboard.press("Escape")
    expect(comfy.find("dialog.fia-compare-dialog")).to_have_count(0)
    expect(comfy.find(".fia-compare-strip")).to_be_hidden()
    expect_colours(stage(comfy), 0.73, ("red", "blue"))


def test_the_picture_fits_any_size_of_the_node(comfy: ComfyPage) -> None:
    open_and_run(comfy)
    for move in ((120, 20), (-240, -120), (40, 180)):
        x, y = corner(comfy)
        comfy.page.mouse.move(x, y)
        comfy.page.mouse.down()
        comfy.page.mouse.move(x + move[0], y + move[1], steps=5)
        comfy.page.mouse.up()
        comfy.settle()
        assert corner(comfy) == pytest.approx((x + move[0], y + move[1]), abs=2)
        room = comfy.find(".fia-compare").bounding_box()
        box = stage(comfy).bounding_box()
        assert room and box and box["width"] / box["height"] == pytest.approx(RATIO, rel=0.02)
        assert box["width"] == pytest.approx(min(room["width"], RATIO * room["height"]), abs=2)
        assert x + move[0] - room["x"] - room["width"] < 30  # as wide as the node


def corner(comfy: ComfyPage) -> tuple[float, float]:
    """Where a person takes hold of the node to change its size."""
    x, y = comfy.page.evaluate(
        """id => {
          const element = document.querySelector(`[data-node-id="${id}"]`);
          if (element) {
            const { right, bottom } = element.getBoundingClientRect();
            return [right, bottom];
          }
          const { pos, size } = app.graph.getNodeById(id);
          const [x, y] = app.canvas.convertOffsetToCanvas([pos[0] + size[0], pos[1] + size[1]]);
          const { left, top } = app.canvas.canvas.getBoundingClientRect();
          return [left + x, top + y];
        }""",
        NODE,
    )
    return x - 4, y - 4


def test_the_wheel_turns_a_long_row(comfy: ComfyPage) -> None:
    open_and_run(comfy, batch=24)
    row = comfy.find(".fia-compare-strip")
    box, node = row.bounding_box(), comfy.find(".fia-compare").bounding_box()
    assert box and node and box["width"] <= node["width"] < 500  # no wider than the node
    comfy.page.mouse.click(box["x"] + 40, box["y"] + 20)
    comfy.page.mouse.wheel(0, 150)
    comfy.page.wait_for_function("document.querySelector('.fia-compare-strip').scrollLeft === 150")
    assert comfy.page.evaluate("app.canvas.ds.scale") == 1


def test_another_run_of_a_template_is_not_shown_in_a_fresh_one(comfy: ComfyPage) -> None:
    template = workflow()  # its id stays the same, as a template's does
    comfy.load(template)
    comfy.set_widget(2, "color", GREEN)
    comfy.run()
    with comfy.page.expect_response(lambda answer: answer.url.endswith(HISTORY)):
        comfy.load(template)
    comfy.page.wait_for_timeout(500)
    expect(comfy.find(".fia-compare-message")).to_have_text("Run the workflow to compare.")
    expect(stage(comfy)).to_be_hidden()
    comfy.set_widget(2, "color", GREEN)
    comfy.load(comfy.page.evaluate("app.graph.serialize()"))
    comfy.look_at(NODE)
    expect(stage(comfy)).to_be_visible()
    expect_colours(stage(comfy), 0.5, ("red", "green"))


def test_undo_redo_and_other_tabs_ask_for_no_runs(comfy: ComfyPage) -> None:
    """Of a workflow that has not run they are asked for once."""
    comfy.load(workflow())
    asked = asks_for_runs(comfy)
    for color in (GREEN, BLUE):
        comfy.set_widget(2, "color", color)
        comfy.remember()
    asked.clear()
    for _ in range(2):
        comfy.command("Comfy.Undo")
        comfy.page.wait_for_timeout(500)
    assert comfy.widget(2, "color") == BLUE
    assert len(asked) <= 1

    open_and_run(comfy)
    comfy.page.evaluate(KEEP_OUTPUTS)
    comfy.set_widget(2, "color", GREEN)
    comfy.remember()
    comfy.page.wait_for_timeout(500)
    asked.clear()
    tabs = ("Workspace.NextOpenedWorkflow", "Workspace.PreviousOpenedWorkflow")
    for command in ("Comfy.Undo", "Comfy.Redo", *tabs):
        comfy.command(command)
        comfy.page.wait_for_timeout(500)
    expect_colours(stage(comfy), 0.5, ("red", "blue"))
    assert asked == []


def test_a_run_that_is_opened_from_the_queue_shows_its_own_picture(comfy: ComfyPage) -> None:
    open_and_run(comfy)
    comfy.set_widget(2, "color", GREEN)
    comfy.run()
    expect_colours(stage(comfy), 0.5, ("red", "green"))
    comfy.open_the_run_before()
    comfy.look_at(NODE)
    expect_colours(stage(comfy), 0.5, ("red", "blue"))


def test_pictures_that_the_server_has_lost(comfy: ComfyPage, base: Path) -> None:
    comfy.load(workflow(batch=2))
    comfy.set_widget(1, "color", next(workflow_numbers))  # no later run is answered from its cache
    comfy.run()
    for side in ("a_images", "b_images"):
        for picture in comfy.output(NODE)[side]:
            (base / "temp" / picture["filename"]).unlink()
    comfy.reload()
    expect(comfy.find(".fia-compare-message")).to_contain_text("no longer has these pictures")
    expect(comfy.find(".fia-compare-strip")).to_be_hidden()
    comfy.page.wait_for_load_state("networkidle")
    comfy.errors[:] = [error for error in comfy.errors if "/view?" not in error]  # the browser's


def test_the_picture_comes_back_after_a_reload_in_a_subgraph_too(comfy: ComfyPage) -> None:
    open_and_run(comfy)
    comfy.reload()
    comfy.look_at(NODE)
    expect_colours(stage(comfy), 0.5, ("red", "blue"))
    comfy.page.evaluate("void app.graph.convertToSubgraph(new Set(app.graph.nodes))")
    comfy.run()
    enter_subgraph(comfy)
    expect_colours(stage(comfy), 0.5, ("red", "blue"))
    comfy.reload()
    enter_subgraph(comfy)
    expect_colours(stage(comfy), 0.5, ("red", "blue"))


def enter_subgraph(comfy: ComfyPage) -> None:
    """Open the only one, as a double click on it does."""
    comfy.page.evaluate("app.canvas.setGraph(app.graph.nodes[0].subgraph)")
    comfy.settle()
    comfy.command("Comfy.Canvas.FitView")
    comfy.wait_for_view()


def test_a_copy_is_empty_and_undo_keeps_the_picture(comfy: ComfyPage) -> None:
    open_and_run(comfy)
    comfy.page.evaluate("id => app.canvas.selectNode(app.graph.getNodeById(id))", NODE)
    comfy.page.evaluate(
        "() => { app.canvas.copyToClipboard(); app.canvas.pasteFromClipboard();"
        " app.extensionManager.workflow.activeWorkflow.changeTracker.checkState(); }"
    )
    comfy.settle()
    expect(comfy.find(".fia-compare")).to_have_count(2)
    expect(comfy.find(".fia-compare-empty")).to_have_count(1)
    comfy.page.evaluate("app.extensionManager.command.execute('Comfy.Undo')")
    expect(comfy.find(".fia-compare")).to_have_count(1)
    expect(stage(comfy)).to_be_visible()
