"""ComfyUI's page as a person uses it, and what went wrong in it."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, ViewportSize
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from workbench.base_folder import PACK

REGISTRY = "https://api.comfy.org/"
"""The frontend itself looks up extensions there; its own policy stops the requests."""

HOST_NOISE = (
    r"404 \(Not Found\) http://127\.0\.0\.1:\d+/"
    r"(api/userdata|user\.css|favicon\.ico|templates/)",  # files and a package that may be absent
    r"^Error loading core workflow templates",
    "^ComfyApp graph accessed before initialization",
    "^PromptExecutionError: Prompt execution failed",  # what the page says itself of a refusal
    # A setting that is stored before it is registered:
    r"^TypeError: Cannot read properties of undefined \(reading 'id'\)\s+at onChange",
    "^Attempted to cleanup event listeners for graph",  # on entering a subgraph
    rf"^Connecting to '{re.escape(REGISTRY)}",
    r"400 \(Bad Request\) http://127\.0\.0\.1:\d+/api/prompt$",  # the message is in the page
    r"(Connecting to '|Fetch API cannot load )https://huggingface\.co/",  # models of templates
)
"""What ComfyUI's frontends, 1.32.9 to 1.58.1, write into the console without any extension."""

TOAST = ".p-toast-message, ol.fixed > li.pointer-events-auto"
"""A message in the page's corner, in the older frontend and in the newer one."""

VIEWPORT: ViewportSize = {"width": 1280, "height": 800}
RUN_TIMEOUT = 120_000  # milliseconds

WATCH_RUN = """timeout => {
  const events = ["execution_success", "execution_error", "execution_interrupted"];
  window.runEnd = new Promise((resolve) => {
    for (const name of events) {
      app.api.addEventListener(name, ({ detail }) => resolve([name, detail]), { once: true });
    }
    setTimeout(() => resolve(["no end", {}]), timeout);
  });
}"""

SHORT: dict[str, dict[str, Any]] = {
    "FIAProfileConcept": {"contexts": "park\nroom", "profile_steps": 1},
    "KSampler": {"steps": 2},
    "EmptyLatentImage": {"batch_size": 1},
}
"""Widget values, by type of node, that make a workflow with the demo model quick."""

SHORTEN = """short => {
  const nodesOf = (graph) => graph.nodes.flatMap((node) =>
    [node, ...(node.subgraph ? nodesOf(node.subgraph) : [])]);
  for (const node of nodesOf(app.graph)) {
    for (const [name, value] of Object.entries(short[node.type] ?? {})) {
      const widget = node.widgets.find((one) => one.name === name);
      widget.value = value;
      widget.callback?.(value, app.canvas, node);
    }
  }
}"""

NO_MOTION = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "*, ::before, ::after { transition: none !important; " +
    "animation: none !important; }";
  document.head.append(style);
});"""
"""Dialogs and messages come and go at once: drawn without a GPU, each frame of a fade is dear."""

RESET = """async () => {
  const { command, toast, workflow } = app.extensionManager;
  await command.execute("Comfy.NewBlankWorkflow");
  for (const one of [...workflow.openWorkflows]) {
    if (one !== workflow.activeWorkflow) await workflow.closeWorkflow(one);
  }
  app.canvas.ds.reset();
  document.querySelectorAll(".p-toast-close-button").forEach((button) => button.click());
  toast.dismissAll?.(); // in the newer frontend
  localStorage.clear();
  for (const key of Object.keys(sessionStorage)) {
    if (key !== "clientId") sessionStorage.removeItem(key);  // the server's name for this tab
  }
}"""


HAS_JOB_LIST = """app.extensionManager.command.commands.some(
  ({ id }) => id === "Comfy.Queue.ToggleOverlay")"""
"""Whether the page has the newer list of runs."""

CLEAR = """() => {
  app.graph.clear();
  // Else a new node has what was written into the one before it of the same number (1.49.6).
  if (/^[0-]+$/.test(app.graph.id)) app.graph.id = crypto.randomUUID();
}"""

LEFT_OPEN = "dialog[open], .p-dialog, .p-popover, .p-contextmenu, .side-bar-panel"
"""What a person has to close: a page that shows any of it is loaded again."""

IS_NEWER = "'isGraphReady' in app"
"""Whether it is a newer page (seen in 1.58.1): it saves a changed workflow later, and reads its
nodes again after a change of language."""
DRAFT_DELAY = 1000  # milliseconds, in which a newer page has saved a changed workflow

HAS_OPENED = """name => app.graph.nodes.length > 0
  && app.extensionManager.workflow.activeWorkflow.filename.startsWith(name)"""

VIEW_DELAY = 500  # milliseconds, in which a newer page brings what it has loaded into view

VIEW_STANDS_STILL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const view = () => [app.canvas.ds.scale, ...app.canvas.ds.offset].join();
  for (let before = null, still = 0; still < 5; still = view() === before ? still + 1 : 0) {
    before = view();
    await frame();
  }
}"""

TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
PICTURES_ARE_THERE = """() => [...document.querySelectorAll(
  "[data-node-id] img:not([loading=lazy])")].every((picture) => picture.complete)"""

ONCE = pytest.mark.parametrize("renderer", ["classic"], indirect=True)
"""Marks a test that looks at nothing which a renderer draws or reads."""

Workflow = dict[str, Any]


class ComfyPage:
    """A tab with ComfyUI in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.errors: list[str] = []
        self.strays: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._on_error(str(error.stack or error)))
        page.on("request", self._on_request)

    def start(self) -> None:
        """Load the page as in a browser that has never seen it, less the files that it keeps."""
        self._clean()
        if self.page.url.startswith(self.address):
            self.page.evaluate("sessionStorage.clear()")
        self.page.goto("about:blank")
        browser = self.page.context.new_cdp_session(self.page)
        stored = {"origin": self.address, "storageTypes": "all"}
        browser.send("Storage.clearDataForOrigin", stored)
        browser.detach()
        self.errors.clear()
        self.open()

    def open(self) -> None:
        """Load the page and wait until its graph is there."""
        self.page.goto(self.address)
        self.page.wait_for_function("window.app?.vueAppReady && window.app.canvas?.graph")
        self.page.wait_for_function("app.extensionManager.workflow.activeWorkflow")
        self.page.wait_for_function("!document.querySelector('.p-progressspinner')")

    def reload(self) -> None:
        """Load the page again, once it has saved its workflow, as a person does."""
        if self.page.evaluate(IS_NEWER):
            self.page.wait_for_timeout(DRAFT_DELAY)
        self.open()

    def reset(self) -> bool:
        """Make the page what it is when it has just been opened; False where that cannot be."""
        self._clean()
        self.page.evaluate(RESET)
        self.page.wait_for_function("!document.querySelector('.p-toast-message')")
        self.errors.clear()  # of the reset itself
        return not self.page.locator(LEFT_OPEN).filter(visible=True).count()

    def clear(self) -> None:
        """An empty graph, as when the person deletes all nodes."""
        self.page.evaluate(CLEAR)

    def load(self, workflow: Workflow) -> None:
        """Open a workflow in the page's form, as a dropped file does."""
        self.page.evaluate("workflow => app.loadGraphData(workflow)", workflow)
        self.settle()

    def load_file(self, file: Path) -> None:
        """Open a workflow's file."""
        self.load(json.loads(file.read_text(encoding="utf-8")))

    def browse_templates(self, name: str) -> Locator:
        """Open the host's template browser at this extension's workflows; the card of one, by its
        file's name less ``.json``."""
        self.command("Comfy.BrowseTemplates")
        card = self.page.get_by_test_id(f"template-workflow-{name}")
        for _ in range(5):
            try:
                self.page.get_by_text(PACK, exact=True).first.click(timeout=8_000)
                card.wait_for(timeout=8_000)
                break
            except PlaywrightTimeout:
                continue
        return card

    def open_template(self, name: str) -> None:
        """Open a workflow from the host's template browser.

        A page that is still drawing the cards may miss a click, so a person clicks again.
        """
        card = self.browse_templates(name)
        for _ in range(5):
            try:
                card.click(timeout=8_000)
                self.page.locator(".p-dialog").wait_for(state="hidden", timeout=8_000)
                break
            except PlaywrightTimeout:
                continue
        self.page.wait_for_function(HAS_OPENED, arg=name)
        self.settle()

    def open_the_run_before(self) -> None:
        """Open the workflow of the last run but one, from the list of runs."""
        if self.page.evaluate(HAS_JOB_LIST):
            self.command("Comfy.Queue.ToggleOverlay")
            run, words = "[data-job-id]", "Open as workflow in new tab"
        else:
            self.page.keyboard.press("q")
            run, words = ".task-item", "Load Workflow"
        self.find(run).nth(1).click(button="right")
        self.page.get_by_text(words, exact=True).click()
        if not self.page.evaluate(HAS_JOB_LIST):
            self.page.keyboard.press("q")

    def open_search(self, x: int, y: int) -> Locator:
        """Double-click the empty canvas there; the field of the search for nodes.

        A page that is busy takes two clicks for single ones, so a person clicks again.
        """
        field = self.page.get_by_role("combobox")
        for _ in range(5):
            self.page.mouse.dblclick(x, y)
            try:
                field.wait_for(timeout=5_000)
                break
            except PlaywrightTimeout:
                continue
        return field

    def settle(self) -> None:
        """Wait until what was asked of the page is drawn, with the pictures of its nodes.

        A frontend takes a node's place from the screen when its element grows. So a picture that
        comes while the view glides moves its node (frontend 1.32.9).
        """
        self.page.evaluate(TWO_FRAMES)
        self.page.wait_for_function(PICTURES_ARE_THERE)
        self.page.evaluate(TWO_FRAMES)

    def wait_for_view(self) -> None:
        """Wait until the view of the graph, which may glide to its place, stands still."""
        if self.page.evaluate(IS_NEWER):
            self.page.wait_for_timeout(VIEW_DELAY)
        self.page.evaluate(VIEW_STANDS_STILL)

    def missing_nodes(self) -> list[str]:
        """Types of nodes that the page does not know."""
        return self.page.evaluate(
            "app.graph.nodes.filter(n => n.has_errors && !n.constructor.nodeData).map(n => n.type)"
        )

    def run(self, timeout: float = RUN_TIMEOUT) -> None:
        """Queue the graph, as Run does, and wait for the end.

        Raises:
            AssertionError: the server refused or failed the workflow; the text is its message.
        """
        self.page.evaluate(WATCH_RUN, timeout)
        with self.page.expect_response(is_prompt) as answer:
            self.page.evaluate("app.queuePrompt(0, 1)")
        assert answer.value.ok, answer.value.text()[:2000]
        event, detail = self.page.evaluate("window.runEnd")
        assert event == "execution_success", f"{event}: {json.dumps(detail)[:2000]}"
        self.settle()

    def node_ids(self, kind: str) -> list[int]:
        """Ids of the nodes of a type."""
        return self.page.evaluate(
            "kind => app.graph.nodes.filter(n => n.type === kind).map(n => Number(n.id))", kind
        )

    def only(self, kind: str) -> int:
        """Id of the only node of a type."""
        (node,) = self.node_ids(kind)
        return node

    def set_widget(self, node: int, name: str, value: Any) -> None:
        """Set a widget as its own editor does."""
        self.page.evaluate(
            """([id, name, value]) => {
              const node = app.graph.getNodeById(id);
              const widget = node.widgets.find((one) => one.name === name);
              widget.value = value;
              widget.callback?.(value, app.canvas, node);
            }""",
            [node, name, value],
        )

    def set_promoted(self, node: int, name: str, value: Any) -> None:
        """Set a widget of a subgraph node; some pages put the inner node's number before it."""
        script = "id => app.graph.getNodeById(id).widgets.map((w) => w.name)"
        (full,) = (
            one for one in self.page.evaluate(script, node) if one.rpartition(": ")[2] == name
        )
        self.set_widget(node, full, value)

    def widget(self, node: int, name: str) -> Any:
        """The value of a widget."""
        return self.page.evaluate(
            "([id, name]) => app.graph.getNodeById(id).widgets.find((w) => w.name === name).value",
            [node, name],
        )

    def shorten(self) -> None:
        """Let the next run take seconds, by the values of ``SHORT``, in subgraphs too."""
        self.page.evaluate(SHORTEN, SHORT)

    def titled(self, title: str) -> int:
        """Id of the node with a title of its own."""
        return self.page.evaluate(
            "title => Number(app.graph.nodes.find((node) => node.title === title).id)", title
        )

    def picture(self, node: int) -> Image.Image:
        """The first picture that the node showed at its last run."""
        answer = self.page.request.get(
            f"{self.address}/view", params=self.output(node)["images"][0]
        )
        return Image.open(io.BytesIO(answer.body()))

    def remember(self) -> None:
        """End a change as the page does after a click, so that it can be undone and is kept."""
        self.page.evaluate(
            "app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()"
        )

    def command(self, name: str) -> None:
        """Run one of the page's commands, as its menus and keys do."""
        self.page.evaluate("name => app.extensionManager.command.execute(name)", name)
        self.settle()

    def output(self, node: int) -> dict[str, Any]:
        """What the node showed at its last run, as the page remembers it."""
        return self.page.evaluate("id => app.nodeOutputs[id] ?? {}", str(node))

    def look_at(self, node: int, scale: float = 1.0) -> None:
        """Bring a node to the middle of the screen."""
        self.page.evaluate(
            """([id, scale]) => {
              const node = app.graph.getNodeById(id);
              const { ds, canvas } = app.canvas;
              ds.scale = scale;
              const view = canvas.getBoundingClientRect();
              ds.offset[0] = view.width / 2 / scale - node.pos[0] - node.size[0] / 2;
              ds.offset[1] = view.height / 2 / scale - node.pos[1] - node.size[1] / 2;
              app.canvas.setDirty(true, true);
            }""",
            [node, scale],
        )
        self.settle()

    def find(self, selector: str, has_text: str | None = None) -> Locator:
        """Elements by CSS selector, those that hold a text."""
        return self.page.locator(selector, has_text=has_text)

    def _clean(self) -> None:
        """Take back what a test has done to the tab."""
        self.page.unroute_all()
        self.page.set_viewport_size(VIEWPORT)
        self.page.mouse.move(0, 0)
        self.errors.clear()
        self.strays.clear()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._on_error(f"{message.text} {message.location.get('url', '')}")

    def _on_error(self, text: str) -> None:
        if not any(re.search(noise, text) for noise in HOST_NOISE):
            self.errors.append(text)

    def _on_request(self, request: Request) -> None:
        local = request.url.startswith((self.address, "data:", "blob:"))
        if not local and not request.url.startswith(REGISTRY):
            self.strays.append(request.url)


def is_prompt(response: Response) -> bool:
    """Whether it answers the posting of a graph."""
    return response.request.method == "POST" and response.url.endswith("/prompt")
