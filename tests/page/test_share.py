"""Load Neuron Mask in the page: its card, a mask inside the workflow, upload by button and drop."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from comfy_page import ONCE, ComfyPage
from PIL import Image
from playwright.sync_api import Locator, expect
from safetensors import safe_open

from fia_core import ModelIdentity, NeuronMask, fuse_neuron_masks
from fia_core.mask_text import MAX_TEXT, read_embedded_mask
from workbench.environment import ROOT

KIND = "FIALoadNeuronMask"
PANEL = ".fia-mask"
DEMO_WORKFLOW = ROOT / "tests" / "workflows" / "first_release.json"

ADD = """([kind, position]) => {
  const node = LiteGraph.createNode(kind);
  node.pos = position;
  app.graph.add(node);
  return Number(node.id);
}"""

ARCHITECTURE = """node => app.api.fetchApi(`/forget_it_all/architecture?node=${node}`)
  .then((answer) => answer.json()).then(({ architecture }) => architecture)"""

BUTTONS = """id => (app.graph.getNodeById(id)?.widgets ?? [])
  .filter(({ type }) => type === "button").map(({ name }) => name)"""

OFFERED = """id => app.graph.getNodeById(id).widgets
  .find(({ name }) => name === "mask_file").options.values"""

SHOWN = """id => {
  const node = app.graph.getNodeById(id);
  const widget = node.widgets.find((one) => one.name === "embedded");
  return [node.isWidgetVisible(widget), node.inputs.map((one) => one.name)];
}"""

REMEMBER = "app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()"

PUT_MASK = """([file, steps]) => {
  const one = (type) => app.graph.nodes.find((node) => node.type === type);
  const unneeded = ["FIAProfileConcept", "FIABuildConceptMask", "FIAFuseMasks", "PreviewAny"];
  for (const node of [...app.graph.nodes]) {
    if (unneeded.includes(node.type) || ["Before", "Sample before"].includes(node.title)) {
      app.graph.remove(node);
    }
  }
  const load = LiteGraph.createNode("FIALoadNeuronMask");
  app.graph.add(load);
  load.widgets.find(({ name }) => name === "mask_file").value = file;
  load.connect(0, one("FIAApplyNeuronMask"), 1);
  one("KSampler").widgets.find(({ name }) => name === "steps").value = steps;
  one("EmptyLatentImage").widgets.find(({ name }) => name === "batch_size").value = 1;
  app.extensionManager.workflow.activeWorkflow.changeTracker.checkState();
  return load.id;
}"""

INTO_SUBGRAPH = """() => {
  const { subgraph } = app.graph.convertToSubgraph(new Set(app.graph.nodes));
  [window.inner] = subgraph.nodes;
}"""

PROMOTE = """async () => {
  const saved = app.graph.serialize();
  const inside = String(window.inner.id);
  saved.nodes[0].properties.proxyWidgets = [[inside, "mask_file"]];
  await app.loadGraphData(saved);
  [window.inner] = app.graph.nodes[0].subgraph.nodes;
  return Number(app.graph.nodes[0].id);
}"""

INNER_PANEL_SAYS = """words => window.inner.widgets.find(({ name }) => name === "mask card")
  .element.textContent.includes(words)"""

DROP = """([target, name, bytes, type]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const { left, top, width, height } = target.getBoundingClientRect();
  const place = { clientX: left + width / 2, clientY: top + height / 2, dataTransfer: data };
  const seen = document.elementFromPoint(place.clientX, place.clientY);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    seen.dispatchEvent(new DragEvent(kind, { ...place, bubbles: true, cancelable: true }));
  }
}"""


def mask(concept: str, architecture: str = "SD15 (16 FFN2 layers, 1 FFN2 weights)") -> NeuronMask:
    generator = torch.Generator().manual_seed(len(concept))
    layer = torch.rand((64, 64), generator=generator) < 0.02
    model = ModelIdentity(architecture, "ab" * 32)
    return NeuronMask({"layer": layer}, model, (concept,), {"spatial_sparsity": 0.02}, {})


def demo_mask(architecture: str) -> NeuronMask:
    """A mask of the bundled model: one weight in twenty."""
    generator = torch.Generator().manual_seed(0)
    with safe_open(ROOT / "demo_model" / "weights.safetensors", "pt") as file:
        names = [name for name in file.keys() if name.endswith(".net.2.weight")]  # noqa: SIM118
        layers = {
            name.replace("denoiser.", "diffusion_model.").removesuffix(".weight"): torch.rand(
                file.get_slice(name).get_shape(), generator=generator
            )
            < 0.05
            for name in names
            if name.startswith("denoiser.")
        }
    return NeuronMask(layers, ModelIdentity(architecture, "ab" * 32), ("church",), {}, {})


@pytest.fixture
def folder(base: Path) -> Path:
    """The server's folder of masks: one of church, nothing else."""
    folder = base / "models" / "neuron_masks"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    mask("church").save(folder / "church.safetensors")
    return folder


@pytest.fixture
def node(folder: Path, comfy: ComfyPage) -> int:
    """A Load Neuron Mask in the middle of the screen."""
    comfy.page.evaluate("app.refreshComboInNodes()")
    node = add(comfy, KIND)
    comfy.look_at(node)
    return node


def add(comfy: ComfyPage, kind: str, x: int = 0) -> int:
    return comfy.page.evaluate(ADD, [kind, [x, 0]])


def panel(comfy: ComfyPage) -> Locator:
    return comfy.find(PANEL)


def press(comfy: ComfyPage, name: str) -> None:
    panel(comfy).get_by_role("button", name=name).click()


def drop(comfy: ComfyPage, target: Locator, name: str, content: bytes, kind: str = "") -> None:
    comfy.page.evaluate(DROP, [target.element_handle(), name, list(content), kind])


def api_graph(comfy: ComfyPage) -> dict[str, Any]:
    return comfy.page.evaluate("app.graphToPrompt().then(({ output }) => output)")


def test_the_card_of_the_chosen_file_is_there_before_anything_runs(
    comfy: ComfyPage, node: int
) -> None:
    expect(panel(comfy)).to_contain_text("Forgets church")
    expect(panel(comfy)).to_contain_text("SD15 (16 FFN2 layers, 1 FFN2 weights)")
    expect(panel(comfy)).to_contain_text("Other checkpoints of this kind work, too")
    expect(panel(comfy)).to_contain_text("spatial sparsity 2 %")
    expect(panel(comfy)).not_to_contain_text("Embedded")


def test_the_wheel_scrolls_the_card_and_not_the_graph(
    comfy: ComfyPage, folder: Path, node: int
) -> None:
    masks = [mask(f"concept number {number}") for number in range(20)]
    fuse_neuron_masks(masks, 0.6).mask.save(folder / "long.safetensors")  # a row for each
    comfy.page.evaluate("app.refreshComboInNodes()")
    comfy.set_widget(node, "mask_file", "long.safetensors")
    expect(panel(comfy)).to_contain_text("and 8 more masks")
    before = comfy.page.evaluate("app.canvas.ds.scale")
    comfy.find(".fia-mask-scroll").click()
    comfy.page.mouse.wheel(0, 80)
    comfy.page.wait_for_function("document.querySelector('.fia-mask-scroll').scrollTop > 0")
    assert comfy.page.evaluate("app.canvas.ds.scale") == before


def test_a_mask_is_embedded_travels_and_is_removed(
    comfy: ComfyPage, renderer: str, folder: Path, node: int
) -> None:
    expect(panel(comfy)).to_contain_text("Forgets church")
    press(comfy, "Embed in workflow")
    expect(panel(comfy)).to_contain_text("Embedded in this workflow")
    text = comfy.widget(node, "embedded")
    assert read_embedded_mask(text).to_bytes() == mask("church").to_bytes()
    assert api_graph(comfy)[str(node)]["inputs"]["embedded"] == text
    saved = comfy.page.evaluate("app.graph.serialize()")
    (entry,) = saved["nodes"]
    assert entry["widgets_values"] == ["church.safetensors", text]
    assert comfy.page.evaluate(SHOWN, node) == [False, ["mask_file"]], "the long text is hidden"
    if renderer == "vue":
        assert comfy.find("[data-node-id] input[type=text]").count() == 0
        assert text not in comfy.page.content()

    (folder / "church.safetensors").unlink()
    comfy.clear()
    comfy.page.evaluate("app.refreshComboInNodes()")  # as on another machine
    comfy.load(saved)
    expect(panel(comfy)).to_contain_text("Forgets church")
    expect(panel(comfy)).to_contain_text("Embedded in this workflow")
    node = comfy.only(KIND)
    assert comfy.widget(node, "embedded") == text

    comfy.look_at(node)
    press(comfy, "Remove from workflow")
    expect(panel(comfy)).to_contain_text("church.safetensors is not on this server")
    assert comfy.widget(node, "embedded") == ""


@ONCE  # what the browser's storage holds, and a panel that is the same in both
def test_the_largest_mask_is_embedded_and_outlives_a_reload_and_a_larger_one_is_refused(
    comfy: ComfyPage, folder: Path, node: int
) -> None:
    choose_large(comfy, folder, node, columns=6200)
    press(comfy, "Embed in workflow")
    expect(panel(comfy)).to_contain_text("Embedded in this workflow (1.0 MB)")
    text = comfy.widget(node, "embedded")
    assert 0.98 * MAX_TEXT < len(text) <= MAX_TEXT
    comfy.open()
    expect(panel(comfy)).to_contain_text("Embedded in this workflow (1.0 MB)")
    node = comfy.only(KIND)
    assert comfy.widget(node, "embedded") == text

    comfy.look_at(node)
    press(comfy, "Remove from workflow")
    embed = panel(comfy).get_by_role("button", name="Embed in workflow")
    expect(embed).to_be_enabled()
    comfy.set_widget(node, "mask_file", "church.safetensors")
    choose_large(comfy, folder, node, columns=13_000)
    expect(embed).to_be_disabled()
    expect(embed).to_have_attribute("title", "Too large to embed (1 MiB at most): send the file.")


def choose_large(comfy: ComfyPage, folder: Path, node: int, columns: int) -> None:
    """In the node: a random mask of 1000 rows, which takes a bit a weight."""
    generator = torch.Generator().manual_seed(0)
    layer = torch.rand((1000, columns), generator=generator) < 0.5
    name, model = f"{columns}.safetensors", ModelIdentity("SD15", "ab" * 32)
    NeuronMask({"layer": layer}, model, (f"{columns}",), {}, {}).save(folder / name)
    comfy.page.evaluate("app.refreshComboInNodes()")
    comfy.set_widget(node, "mask_file", name)
    expect(panel(comfy)).to_contain_text(f"Forgets {columns}")


def test_masks_are_uploaded_by_drop_and_button_and_what_is_none_is_refused(
    comfy: ComfyPage, folder: Path
) -> None:
    (folder / "church.safetensors").unlink()
    comfy.page.evaluate("app.refreshComboInNodes()")
    node = add(comfy, KIND)
    comfy.look_at(node)
    expect(panel(comfy)).to_contain_text("Choose a mask file above, upload one")
    expect(panel(comfy).get_by_role("button", name="Embed in workflow")).to_be_disabled()
    drop(comfy, panel(comfy), "cat.safetensors", mask("cat").to_bytes())
    expect(panel(comfy)).to_contain_text("Forgets cat")
    assert api_graph(comfy)[str(node)]["inputs"]["mask_file"] == "cat.safetensors"

    drop(comfy, panel(comfy), "lora.safetensors", b"church" * 20)
    expect(panel(comfy)).to_contain_text("lora.safetensors")
    expect(panel(comfy)).to_contain_text("Forgets cat")
    assert comfy.widget(node, "mask_file") == "cat.safetensors"
    comfy.errors.clear()  # the browser itself reports the server's refusal

    press(comfy, "Embed in workflow")
    expect(panel(comfy)).to_contain_text("Embedded in this workflow")
    with comfy.page.expect_file_chooser() as chooser:
        press(comfy, "Upload mask…")
    data = mask("golf ball").to_bytes()
    chooser.value.set_files(
        {"name": "golf.safetensors", "mimeType": "application/octet-stream", "buffer": data}
    )
    expect(panel(comfy)).to_contain_text("Forgets golf ball")
    assert comfy.widget(node, "embedded") == "", "the uploaded mask takes its place"
    assert (folder / "golf.safetensors").read_bytes() == data
    assert {file.name for file in folder.iterdir()} == {"cat.safetensors", "golf.safetensors"}
    assert comfy.node_ids(KIND) == [node]  # the page opened none of them as a workflow


def test_the_card_follows_a_file_that_is_chosen_on_the_subgraph_node(
    comfy: ComfyPage, folder: Path, node: int
) -> None:
    mask("golf ball").save(folder / "golf.safetensors")
    comfy.page.evaluate("app.refreshComboInNodes()")
    comfy.page.evaluate(INTO_SUBGRAPH)
    owner = comfy.page.evaluate(PROMOTE)
    comfy.page.wait_for_function(INNER_PANEL_SAYS, arg="Forgets church")
    comfy.set_promoted(owner, "mask_file", "golf.safetensors")
    comfy.page.evaluate(REMEMBER)
    comfy.page.wait_for_function(INNER_PANEL_SAYS, arg="Forgets golf ball")


def test_a_model_that_the_mask_was_not_made_for_is_told_at_once(
    comfy: ComfyPage, folder: Path, node: int
) -> None:
    expect(panel(comfy)).to_contain_text("Forgets church")
    demo, apply = add(comfy, "FIADemoModel", 500), add(comfy, "FIAApplyNeuronMask", 900)
    comfy.page.evaluate(
        """([load, demo, apply]) => {
          const [a, b, c] = [load, demo, apply].map((id) => app.graph.getNodeById(id));
          b.connect(0, c, 0);
          a.connect(0, c, 1);
          app.extensionManager.workflow.activeWorkflow.changeTracker.checkState();
        }""",
        [node, demo, apply],
    )
    words = "This mask does not fit “Demo Model”: it was made for SD15"
    expect(panel(comfy)).to_contain_text(words)
    met = comfy.page.evaluate(ARCHITECTURE, "FIADemoModel")
    expect(panel(comfy)).to_contain_text(f"that model is {met}")
    mask("church", met).save(folder / "fits.safetensors")
    comfy.page.evaluate("app.refreshComboInNodes()")
    comfy.set_widget(node, "mask_file", "fits.safetensors")
    expect(panel(comfy)).to_contain_text(f"made for{met}")
    expect(panel(comfy)).not_to_contain_text("does not fit")


@ONCE  # what the server draws
def test_a_picture_dropped_on_an_empty_page_is_drawn_again_bit_for_bit(
    comfy: ComfyPage, folder: Path
) -> None:
    demo_mask(comfy.page.evaluate(ARCHITECTURE, "FIADemoModel")).save(folder / "demo.safetensors")
    comfy.page.evaluate("app.refreshComboInNodes()")
    comfy.load_file(DEMO_WORKFLOW)
    comfy.shorten()
    node = comfy.page.evaluate(PUT_MASK, ["demo.safetensors", 2])
    comfy.look_at(node)
    press(comfy, "Embed in workflow")
    expect(panel(comfy)).to_contain_text("Embedded in this workflow")
    comfy.run()
    name, sent = saved_picture(comfy)

    # As on another machine: no mask file, and nothing in the host's cache.
    (folder / "demo.safetensors").unlink()
    comfy.page.request.post(
        f"{comfy.address}/free", data={"unload_models": True, "free_memory": True}
    )
    comfy.open()
    comfy.clear()
    comfy.page.evaluate("app.refreshComboInNodes()")
    drop(comfy, comfy.find("#graph-canvas"), "erased.png", sent, "image/png")
    expect(panel(comfy)).to_contain_text("Forgets church")
    assert comfy.missing_nodes() == []
    comfy.run()
    other_name, again = saved_picture(comfy)
    assert other_name != name
    assert Image.open(io.BytesIO(again)).tobytes() == Image.open(io.BytesIO(sent)).tobytes()


def saved_picture(comfy: ComfyPage) -> tuple[str, bytes]:
    """Name and content of the file that Save Image wrote at the last run."""
    node = comfy.only("SaveImage")
    (picture,) = comfy.output(node)["images"]
    answer = comfy.page.request.get(f"{comfy.address}/view", params=picture)
    return picture["filename"], answer.body()


def test_the_mask_that_was_saved_is_loaded_in_a_new_node_with_one_click(
    comfy: ComfyPage, renderer: str, folder: Path, node: int
) -> None:
    save = add(comfy, "FIASaveNeuronMask", 500)
    connect = "([a, b]) => app.graph.getNodeById(a).connect(0, app.graph.getNodeById(b), 0)"
    comfy.page.evaluate(connect, [node, save])
    assert comfy.page.evaluate(BUTTONS, save) == []
    comfy.run()
    assert comfy.page.evaluate(OFFERED, node) == ["church.safetensors", "mask_00001_.safetensors"]
    comfy.run()  # nothing has changed
    assert sorted(file.name for file in folder.iterdir()) == [
        "church.safetensors",
        "mask_00001_.safetensors",
    ]
    comfy.set_widget(save, "filename_prefix", "again")
    comfy.run()
    assert comfy.page.evaluate(BUTTONS, save) == ["Add a node that loads it"]
    assert "again_00001_.safetensors" in comfy.page.evaluate(OFFERED, node)
    values = comfy.page.evaluate("app.graph.serialize().nodes.map((n) => n.widgets_values)")
    assert values == [["church.safetensors", ""], ["again"]]

    comfy.remember()
    comfy.reload()
    comfy.page.wait_for_function(f"id => ({BUTTONS})(id).length", arg=save)
    comfy.look_at(save)
    if renderer == "vue":
        comfy.page.get_by_role("button", name="Add a node that loads it").click()
    else:  # drawn on the canvas
        comfy.page.evaluate("id => app.graph.getNodeById(id).widgets.at(-1).callback()", save)
    _, new = comfy.node_ids(KIND)
    assert comfy.widget(new, "mask_file") == "again_00001_.safetensors"
    expect(panel(comfy).last).to_contain_text("Forgets church")
