"""A strip of strengths in the page: one run, a row of pictures, each with its strength."""

from comfy_page import ComfyPage
from playwright.sync_api import expect

from workbench.erasure import WORKFLOW

STRIP = """strengths => {
  const one = (kind) => app.graph.nodes.find(({ type }) => type === kind);
  const strip = LiteGraph.createNode("FIAStrengthStrip");
  app.graph.add(strip);
  strip.widgets.find(({ name }) => name === "strengths").value = strengths;
  const apply = one("FIAApplyNeuronMask");
  for (const name of ["model", "mask"]) {
    const { origin_id, origin_slot } = app.graph.getLink(
      apply.inputs[apply.findInputSlot(name)].link,
    );
    app.graph.getNodeById(origin_id).connect(origin_slot, strip, strip.findInputSlot(name));
  }
  one("EmptyLatentImage").connect(0, strip, strip.findInputSlot("latent"));
  const sampler = app.graph.nodes.find(({ title }) => title === "Sample after forgetting");
  const compare = one("FIACompareErasure");
  strip.connect(0, sampler, sampler.findInputSlot("model"));
  strip.connect(1, sampler, sampler.findInputSlot("latent_image"));
  strip.connect(2, compare, compare.findInputSlot("labels"));
  return compare.id;
}"""


def test_each_picture_of_a_strip_has_its_strength(comfy: ComfyPage) -> None:
    comfy.load_file(WORKFLOW)
    comfy.shorten()
    compare = comfy.page.evaluate(STRIP, "0, 0.5, 1")
    comfy.look_at(compare)
    comfy.run()
    captions = comfy.find(".fia-compare-caption:visible")
    expect(captions).to_have_text(["0", "0.5", "1"])
    counter = comfy.find(".fia-compare-counter")
    expect(counter).to_have_text("0 · 1 / 3")
    comfy.find(".fia-compare-thumbnail").nth(1).click()
    expect(counter).to_have_text("0.5 · 2 / 3")
    comfy.find(".fia-compare-stage").click()
    expect(comfy.find("dialog .fia-compare-caption:visible")).to_have_text(["0", "0.5", "1"])
    expect(comfy.find("dialog .fia-compare-counter")).to_have_text("0.5 · 2 / 3")
    comfy.page.keyboard.press("Escape")
