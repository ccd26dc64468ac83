"""The bundled workflows in the template browser, and the blueprint in the search for nodes."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from comfy_page import ONCE, TOAST, ComfyPage
from PIL import Image
from playwright.sync_api import Request, ViewportSize, expect

from workbench.erasure import FIRST_STEPS, WORKFLOW
from workbench.graph import ALWAYS, flat, to_api

FILES = sorted(WORKFLOW.parent.glob("*.json"))
LARGEST_PICTURE = 40_000  # bytes
APP = WORKFLOW.with_name("forget_as_app.json")
SEEDS = itertools.count(2)
FULL: ViewportSize = {"width": 1600, "height": 900}
READABLE = 0.7  # of the full size; where it is one picture of the whole graph, 0.8
WHOLE = 0.8

SHOWS = """([name, [width, height]]) => {
  const picture = document.querySelector(`[data-testid="template-workflow-${name}"] img`);
  return picture?.naturalWidth === width && picture.naturalHeight === height;
}"""

OUT_OF_PLACE = """() => {
  const nodes = app.graph.nodes.map((node) => {
    const element = document.querySelector(`[data-node-id="${node.id}"]`);
    const [x, y, width, height] = node.boundingRect;
    // The newer renderer draws nodes as elements, some of them larger than the graph says.
    return [node.title, x, y, Math.max(width, element?.offsetWidth ?? 0),
      Math.max(height, element?.offsetHeight ?? 0)];
  });
  const groups = app.graph.groups.map((group) => [group.title, ...group.boundingRect]);
  const apart = ([, x, y, w, h], [, a, b, c, d]) =>
    x + w <= a || a + c <= x || y + h <= b || b + d <= y;
  const within = ([, x, y, w, h], [, a, b, c, d]) =>
    a <= x && x + w <= a + c && b <= y && y + h <= b + d;
  const overlaps = [nodes, groups].flatMap((all) => all.flatMap((one, number) =>
    all.slice(number + 1).filter((other) => !apart(one, other))
      .map((other) => `${one[0]} on ${other[0]}`)));
  const astray = nodes.filter((node) => groups.length && node[0] !== "Read me"
    && !groups.some((group) => within(node, group)));
  return [...overlaps, ...astray.map(([title, ...place]) => `${title} sticks out: ${place}`)];
}"""

OUT_OF_VIEW = """() => {
  const { ds, canvas } = app.canvas;
  const view = canvas.getBoundingClientRect();
  const place = (node) => {
    const element = document.querySelector(`[data-node-id="${node.id}"]`);
    const [x, y, width, height] = node.boundingRect;
    const left = view.x + (x + ds.offset[0]) * ds.scale;
    const top = view.y + (y + ds.offset[1]) * ds.scale;
    return element?.getBoundingClientRect() ?? { left, top,
      right: left + width * ds.scale, bottom: top + height * ds.scale };
  };
  return app.graph.nodes.filter((node) => {
    const { left, top, right, bottom } = place(node);
    return left < view.left || top < view.top || right > view.right || bottom > view.bottom;
  }).map(({ title }) => title);
}"""

BLUEPRINT_GRAPH = """() => {
  const add = (kind) => {
    const node = LiteGraph.createNode(kind);
    app.graph.add(node);
    return node;
  };
  const forget = app.graph.nodes.find((node) => node.title === "Forget It All");
  const [model, prompt, latent, sampler, decode, preview] = ["FIADemoModel", "CLIPTextEncode",
    "EmptyLatentImage", "KSampler", "VAEDecode", "PreviewImage"].map(add);
  model.connect(0, forget, 0);
  model.connect(1, forget, 1);
  model.connect(1, prompt, 0);
  forget.connect(0, sampler, 0);
  prompt.connect(0, sampler, 1);
  prompt.connect(0, sampler, 2);
  latent.connect(0, sampler, 3);
  sampler.connect(0, decode, 0);
  model.connect(2, decode, 1);
  decode.connect(0, preview, 0);
  return forget.id;
}"""

PROTECT = """id => {
  const [profile, build, report] = ["FIAProfileConcept", "FIABuildConceptMask", "PreviewAny"]
    .map((kind) => app.graph.add(LiteGraph.createNode(kind)));
  const forget = app.graph.getNodeById(id);
  const [model] = app.graph.nodes.filter(({ type }) => type === "FIADemoModel");
  model.connect(0, profile, 0);
  model.connect(1, profile, 1);
  profile.connect(0, build, 0);
  build.connect(0, forget, forget.inputs.findIndex(({ label }) => label === "protect (optional)"));
  forget.connect(2, report, 0);
  return [profile.id, build.id];
}"""


def nodes_of(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8"))["nodes"]


def assert_tidy(comfy: ComfyPage) -> None:
    """No node lies on another, and all but the note are within a group; nodes may take their size a
    moment after their picture."""
    comfy.command("Comfy.Canvas.FitView")
    comfy.wait_for_view()
    found = comfy.page.evaluate(OUT_OF_PLACE)
    for _ in range(20):
        if found:
            comfy.page.wait_for_timeout(100)
            found = comfy.page.evaluate(OUT_OF_PLACE)
    assert found == []


def open_without_a_complaint(comfy: ComfyPage, file: Path) -> None:
    """From the template browser: large enough to read, all nodes known, each in its place."""
    comfy.page.set_viewport_size(FULL)
    comfy.open_template(file.stem)
    comfy.wait_for_view()
    least = WHOLE if file in PEOPLES else READABLE
    assert file == APP or comfy.page.evaluate("app.canvas.ds.scale") >= least
    assert comfy.missing_nodes() == []
    assert comfy.find(TOAST).count() == 0
    kinds = [node["type"] for node in nodes_of(file)]
    assert comfy.page.evaluate("app.graph.nodes.map((node) => node.type)") == kinds
    assert "MarkdownNote" in kinds
    if file == FIRST_STEPS:
        comfy.page.wait_for_function(f"!({OUT_OF_VIEW})().length")  # it is seen whole
        assert len(kinds) <= 8
    if file != APP:
        assert_tidy(comfy)


DEMOS = [file for file in FILES if any(node["type"] == "FIADemoModel" for node in nodes_of(file))]
CHECKPOINTS = [file for file in FILES if file not in DEMOS]
PEOPLES = [file for file in CHECKPOINTS if file.stem.startswith("forget_with_")]
"""For models that people have: a picture of the whole graph each."""


@ONCE  # no node is drawn
def test_every_template_is_listed_with_its_picture(comfy: ComfyPage) -> None:
    comfy.browse_templates(FILES[0].stem)
    for file in FILES:
        card = comfy.page.get_by_test_id(f"template-workflow-{file.stem}")
        expect(card).to_have_count(1)
        card.scroll_into_view_if_needed()
        picture = file.with_suffix(".jpg")
        size = list(Image.open(picture).size)
        comfy.page.wait_for_function(SHOWS, arg=[file.stem, size])
        assert picture.stat().st_size < LARGEST_PICTURE


@pytest.mark.parametrize("file", CHECKPOINTS, ids=lambda file: file.stem)
def test_a_template_for_checkpoints_opens_and_posts_what_other_tests_run(
    comfy: ComfyPage, file: Path
) -> None:
    open_without_a_complaint(comfy, file)
    posted = comfy.page.evaluate("app.graphToPrompt().then(({ output }) => output)")
    definitions = comfy.page.request.get(f"{comfy.address}/object_info").json()
    workflow = flat(json.loads(file.read_text(encoding="utf-8")))
    workflow["nodes"] = [node for node in workflow["nodes"] if node["mode"] == ALWAYS]
    graph = to_api(workflow, definitions)
    for node in (*posted.values(), *graph.values()):
        node.pop("_meta")
        known = definitions[node["class_type"]]["input"]
        names = {*known.get("required", {}), *known.get("optional", {})}
        # What the page adds by itself, such as a preview's text, is not the server's.
        node["inputs"] = {name: node["inputs"][name] for name in node["inputs"] if name in names}
    assert posted == graph


@pytest.mark.parametrize("file", DEMOS, ids=lambda file: file.stem)
def test_a_template_with_the_demo_model_opens_and_runs(comfy: ComfyPage, file: Path) -> None:
    """Also with the previews that its nodes have kept: the tests' server shows them."""
    open_without_a_complaint(comfy, file)
    comfy.shorten()
    # A seed of its own: what the server has already computed it would not preview again.
    seed = next(SEEDS)
    previewing = [*comfy.node_ids("FIAProfileConcept"), *comfy.node_ids("KSampler")]
    for node in previewing:
        comfy.set_widget(node, "seed", seed)
    for node in comfy.node_ids("PrimitiveInt"):  # gives it to the samplers in subgraphs
        comfy.set_widget(node, "value", seed)
    comfy.run()
    if file != APP:
        assert_tidy(comfy)
    for kind in ("FIACompareErasure", "FIAInspectMask", "SaveImage"):
        for node in comfy.node_ids(kind):
            shown = comfy.output(node)
            assert shown.get("images") or (shown["a_images"] and shown["b_images"])


@ONCE  # of the graph alone
def test_the_blueprint_is_found_by_its_name_and_runs(comfy: ComfyPage) -> None:
    comfy.open_search(640, 500).fill("Forget It All")
    comfy.page.get_by_role("option").filter(has_text="Subgraph Blueprints").click()
    comfy.page.wait_for_function("app.graph.nodes.length === 1")
    comfy.page.mouse.click(900, 700)  # puts the node down where it has been dragged to

    forget = comfy.page.evaluate(BLUEPRINT_GRAPH)
    promoted = comfy.page.evaluate(
        "id => app.graph.getNodeById(id).widgets.map((widget) => widget.label ?? widget.name)",
        forget,
    )
    words = "concepts,kind,contexts,width,height,cfg,spatial sparsity %,agnostic ratio %,strength"
    assert ",".join(promoted) == words
    comfy.set_promoted(forget, "kind", "art style")
    comfy.page.wait_for_function(
        "id => app.graph.getNodeById(id).widgets.some((w) => w.label?.startsWith('agnostic') "
        "&& w.value === 80)",
        arg=forget,
    )
    comfy.set_promoted(forget, "kind", "object")
    written = {"concepts": "golf ball", "contexts": "park\nroom", "cfg": 4, "strength": 1.5}
    written |= {"width": 128, "height": 128}
    for name, value in written.items():
        comfy.set_promoted(forget, name, value)
    comfy.page.evaluate(
        """([id, values]) => {
          const inside = app.graph.getNodeById(id).subgraph.nodes;
          const profile = inside.find((node) => node.type === "FIAProfileConcept");
          for (const [name, value] of Object.entries(values)) {
            profile.widgets.find((widget) => widget.name === name).value = value;
          }
        }""",
        [forget, {"profile_steps": 1, "seed": next(SEEDS)}],  # the server has not run it before
    )
    for kind in ("EmptyLatentImage", "KSampler"):
        node = comfy.only(kind)
        values = {"steps": 2} if kind == "KSampler" else {"width": 128, "height": 128}
        for name, value in values.items():
            comfy.set_widget(node, name, value)
    with comfy.page.expect_request(lambda request: request.url.endswith("/prompt")) as sent:
        comfy.run()
    # nobody sees the profile's own words inside a subgraph
    expect(comfy.find(TOAST, has_text="Only 2 contexts")).to_contain_text("Forget It All")
    graph = inputs_by_type(sent.value)
    assert "protect" not in graph["FIAFuseMasks"]
    strength = written.pop("strength")
    assert written.items() <= graph["FIAProfileConcept"].items()
    assert graph["FIAApplyNeuronMask"]["strength"] == strength
    assert comfy.picture(comfy.node_ids("PreviewImage")[0]).size == (128, 128)

    profile, build = comfy.page.evaluate(PROTECT, forget)
    for name in ("contexts", "width", "height", "cfg"):
        comfy.set_widget(profile, name, written[name])
    comfy.set_widget(profile, "concepts", "cat")
    comfy.set_widget(profile, "profile_steps", 1)
    with comfy.page.expect_request(lambda request: request.url.endswith("/prompt")) as sent:
        comfy.run()
    assert inputs_by_type(sent.value)["FIAFuseMasks"]["protect"] == [str(build), 0]
    report = "".join(comfy.output(comfy.only("PreviewAny"))["text"])
    (row,) = (line for line in report.splitlines() if line.startswith("| golf ball"))
    protected = row.split("|")[4].strip()
    assert int(protected) > 0


def inputs_by_type(sent: Request) -> dict[str, Any]:
    """What each node of a posted graph is given; of two nodes of a type, the last."""
    posted = sent.post_data_json
    assert posted
    return {node["class_type"]: node["inputs"] for node in posted["prompt"].values()}
