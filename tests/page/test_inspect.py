"""Inspect Mask in the page: pictures and table are in the node after a run."""

from pathlib import Path

import pytest
import torch
from comfy_page import ComfyPage
from playwright.sync_api import Locator, expect

from fia_core import ModelIdentity, NeuronMask

BUILD = """names => {
  const add = (kind, place) => {
    const node = LiteGraph.createNode(kind);
    node.pos = place;
    app.graph.add(node);
    return node;
  };
  const inspect = add("FIAInspectMask", [900, 0]);
  const fuse = add("FIAFuseMasks", [500, 0]);
  const slot = (node, name) => node.inputs.findIndex((input) => input.name === name);
  fuse.connect(0, inspect, slot(inspect, "mask"));
  names.forEach((name, number) => {
    const load = add("FIALoadNeuronMask", [0, 460 * number]);
    load.widgets.find((widget) => widget.name === "mask_file").value = name;
    if (number < 2) {
      load.connect(0, fuse, slot(fuse, number ? "masks_2" : "masks"));
    }
    if (number !== 1) {
      load.connect(0, inspect, slot(inspect, number ? "kept_masks" : "concept_masks"));
    }
  });
  return inspect.id;
}"""


def mask(concept: str) -> NeuronMask:
    generator = torch.Generator().manual_seed(len(concept))
    layers = {
        f"diffusion_model.{block}.1.transformer_blocks.0.ff.net.2": torch.rand(
            (64, 256), generator=generator
        )
        < 0.02
        for block in ("input_blocks.1", "middle_block", "output_blocks.3")
    }
    model = ModelIdentity("SD15 (3 FFN2 layers)", "ab" * 32)
    return NeuronMask(layers, model, (concept,), {"spatial_sparsity": 0.02}, {})


@pytest.fixture
def node(base: Path, comfy: ComfyPage) -> int:
    """An Inspect Mask after a fusion of two masks from files; a third one should stay."""
    folder = base / "models" / "neuron_masks"
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for concept in ("church", "golf ball", "tree"):
        names.append(f"{concept}.safetensors")
        mask(concept).save(folder / names[-1])
    comfy.page.evaluate("app.refreshComboInNodes()")
    node = comfy.page.evaluate(BUILD, names)
    comfy.settle()
    comfy.look_at(node)
    return node


def table(comfy: ComfyPage) -> Locator:
    return comfy.find(".fia-inspect-table").first


def test_table_and_pictures_are_in_the_node_scroll_and_outlive_a_reload(
    comfy: ComfyPage, node: int
) -> None:
    expect(table(comfy)).to_have_text("Run the workflow to see the table.")
    comfy.run()
    expect(table(comfy)).to_contain_text("Forgets: church, golf ball")
    expect(table(comfy)).to_contain_text("church: tree, ")  # the hint
    assert len(comfy.output(node)["images"]) == 2
    saved = comfy.page.evaluate(
        "id => app.graph.serialize().nodes.find((one) => one.id == id).widgets_values", node
    )
    assert saved[0] == "share of own weights" and "Forgets" not in str(saved)

    box = table(comfy).bounding_box()
    width, height, scale = comfy.page.evaluate(
        "id => [...app.graph.getNodeById(id).size, app.canvas.ds.scale]", node
    )
    assert box is not None
    assert 300 * scale < box["width"] <= width * scale
    assert 100 * scale < box["height"] < 0.5 * height * scale
    table(comfy).click()
    comfy.page.mouse.wheel(0, 60)
    comfy.page.wait_for_function("document.querySelector('.fia-inspect-table').scrollTop > 0")
    assert comfy.page.evaluate("app.canvas.ds.scale") == scale

    comfy.remember()
    comfy.reload()
    comfy.look_at(node)
    expect(table(comfy)).to_contain_text("Forgets: church, golf ball")
