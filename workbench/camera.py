"""Photographs of nodes in ComfyUI's page."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import ViewportSize, async_playwright

from workbench.browser import FLAGS, find_chromium
from workbench.graph import ALWAYS, PageWorkflow

VIEWPORT: ViewportSize = {"width": 1920, "height": 1300}
REST = 2000  # milliseconds, in which the page fetches pictures and cards and draws them
PATIENCE = 300_000  # milliseconds, for a page on a busy machine

READY = """window.app?.vueAppReady && window.app.canvas?.graph
  && !document.querySelector('.p-progressspinner')"""

RUN = """() => new Promise((done, fail) => {
  const { api } = app;
  api.addEventListener("execution_success", () => done(), { once: true });
  api.addEventListener("execution_error", ({ detail }) => fail(detail.exception_message));
  app.queuePrompt(0, 1);
})"""

LOOK_AT = """([ids, [x, y], alone]) => {
  const { graph, canvas } = app;
  const others = graph.nodes.filter((node) => !ids.includes(node.id));
  for (const one of alone ? [...others, ...graph.groups] : []) {
    graph.remove(one);
  }
  [canvas.ds.scale, canvas.ds.offset[0], canvas.ds.offset[1]] = [1, 400 - x, 250 - y];
  canvas.setDirty(true, true);
}"""

BOX = """id => {
  const { x, y, width, height } = document.querySelector(`[data-node-id="${id}"]`)
    ?.getBoundingClientRect() ?? {};
  const [left, top, ...size] = app.graph.getNodeById(id).boundingRect;
  const { offset } = app.canvas.ds;
  const canvas = app.canvas.canvas.getBoundingClientRect();
  return width ? [x, y, width, height]
    : [left + offset[0] + canvas.x, top + offset[1] + canvas.y, ...size];
}"""


@dataclass(frozen=True)
class Motif:
    """A view to be photographed.

    Attributes:
        template: the workflow that is opened, by its file's name less ``.json``.
        places: node id → x, y, width and height in the graph; the picture begins at the first.
        values: node id → widget values, which take the place of the template's.
        margin: around the first node, pixels.
        size: of the picture; None is the first node with its margin.
        alone: the other nodes are taken away.
        run: the workflow is run first.
        vue: the page's newer renderer, "Nodes 2.0".
    """

    template: str
    places: Mapping[int, tuple[int, int, int, int]]
    values: Mapping[int, list[Any]] = field(default_factory=dict)
    margin: int = 12
    size: tuple[int, int] | None = None
    alone: bool = True
    run: bool = False
    vue: bool = True


async def photograph(address: str, base: Path, workflow: PageWorkflow, motif: Motif) -> Image.Image:
    """A picture of nodes as the page of the server at ``address`` draws them.

    Args:
        base: the server's folder; the page's settings are written there.
        workflow: the motif's, in the page's form.

    Raises:
        BrowserError: there is no Chromium.
    """
    settings = {
        "Comfy.TutorialCompleted": True,
        "Comfy.Minimap.Visible": False,
        "Comfy.Workflow.ShowMissingModelsWarning": False,
        "Comfy.VueNodes.Enabled": motif.vue,
    }
    user = base / "user" / "default"
    user.mkdir(parents=True, exist_ok=True)
    (user / "comfy.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    for node in workflow["nodes"]:
        node["mode"] = ALWAYS  # a muted one is hardly seen
        node["widgets_values"] = motif.values.get(node["id"], node.get("widgets_values", []))
        if node["id"] in motif.places:
            place = motif.places[node["id"]]
            node["pos"], node["size"] = place[:2], place[2:]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=find_chromium(), args=list(FLAGS)
        )
        page = await chromium.new_page(viewport=VIEWPORT)
        try:
            await page.goto(address, timeout=PATIENCE)
            await page.wait_for_function(READY, timeout=PATIENCE)
            await page.evaluate("workflow => app.loadGraphData(workflow)", workflow)
            if motif.run:
                await page.evaluate(RUN)
            first, *others = motif.places
            look = [[first, *others], motif.places[first][:2], motif.alone]
            await page.evaluate(LOOK_AT, look)
            await page.wait_for_timeout(REST)
            x, y, width, height = await page.evaluate(BOX, first)
            margins = 2 * motif.margin
            wide, high = motif.size or (width + margins, height + margins)
            left, top = x - motif.margin, y - motif.margin
            shot = await page.screenshot(clip={"x": left, "y": top, "width": wide, "height": high})
        finally:
            await chromium.close()
    return Image.open(io.BytesIO(shot)).convert("RGB")
