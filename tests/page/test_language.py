"""The extension in the page's other languages: titles, labels, tooltips, and our own words."""

import json
from typing import Any

import pytest
from comfy_page import IS_NEWER, ONCE, ComfyPage
from playwright.sync_api import expect
from test_help import open_help

from workbench.environment import ROOT

LANGUAGES = ("zh", "ja", "fr", "es")
APPLY, COMPARE, PROFILE = "FIAApplyNeuronMask", "FIACompareErasure", "FIAProfileConcept"

ADD = """kind => {
  const node = LiteGraph.createNode(kind);
  node.pos = kind === "FIACompareErasure" ? [0, 0] : [600, 0];
  app.graph.add(node);
  app.extensionManager.workflow.activeWorkflow.changeTracker.checkState();
  return Number(node.id);
}"""

PROFILE_TOOLTIP = """() => {
  const { nodeData } = LiteGraph.registered_node_types.FIAProfileConcept;
  return nodeData.inputs.concept_templates.tooltip;
}"""

SWITCH = """async language => {
  await app.extensionManager.setting.set("Comfy.Locale", language);
}"""

TITLED = "([kind, title]) => LiteGraph.registered_node_types[kind].title === title"

LABELS = """id => {
  const node = app.graph.getNodeById(id);
  const { inputs, outputs, widgets } = node;
  const shown = (slot) => slot.label ?? slot.localized_name ?? slot.name;
  return [node.title, inputs.map(shown), widgets.map(({ label }) => label), outputs.map(shown)];
}"""

SLOT_PLACE = """([id, name]) => {
  const node = app.graph.getNodeById(id);
  const [x, y] = node.getInputPos(node.findInputSlot(name));
  const { ds, canvas } = app.canvas;
  const { left, top } = canvas.getBoundingClientRect();
  return [left + (x + ds.offset[0]) * ds.scale, top + (y + ds.offset[1]) * ds.scale];
}"""


def translation(language: str) -> dict[str, Any]:
    """The nodes' texts."""
    path = ROOT / "locales" / language / "nodeDefs.json"
    return json.loads(path.read_text(encoding="utf-8"))


def expect_apply(comfy: ComfyPage, renderer: str, node: int, words: dict[str, Any]) -> None:
    """Apply Neuron Mask has its title, labels and a tooltip in that language."""
    inputs = words["inputs"]
    title, slots, widgets, outputs = comfy.page.evaluate(LABELS, node)
    assert title == words["display_name"]
    assert slots == [inputs[name]["name"] for name in ("model", "mask", "strength")]
    assert widgets == [inputs["strength"]["name"]]
    assert outputs == [words["outputs"]["0"]["name"]]

    comfy.look_at(node)
    if renderer == "vue":
        element = comfy.find(f"[data-node-id='{node}']")
        expect(element).to_contain_text(words["display_name"])
        expect(element).to_contain_text(inputs["strength"]["name"])
        # A widget's: of a slot, this renderer looks the tooltip up by the name that it shows.
        element.get_by_text(inputs["strength"]["name"], exact=True).hover()
        tooltip = "[role=tooltip]"
    else:
        comfy.page.mouse.move(*comfy.page.evaluate(SLOT_PLACE, [node, "strength"]))
        tooltip = ".node-tooltip"
    expect(comfy.find(tooltip, has_text=inputs["strength"]["tooltip"]).first).to_be_visible()


def test_english_shows_the_percentages_names(comfy: ComfyPage) -> None:
    _, slots, widgets, _ = comfy.page.evaluate(
        LABELS, comfy.page.evaluate(ADD, "FIABuildConceptMask")
    )
    assert slots == ["profile", "spatial sparsity %", "granularity"]
    assert widgets == ["spatial sparsity %", "granularity"]


def test_a_change_of_language_changes_the_nodes_and_our_own_words(
    comfy: ComfyPage, renderer: str
) -> None:
    comfy.page.evaluate(ADD, COMPARE)
    hint = comfy.find(".fia-compare-message")
    expect(hint).to_have_text("Run the workflow to compare.")
    for language in LANGUAGES:
        nodes = translation(language)
        before = hint.inner_text()
        comfy.page.evaluate(SWITCH, language)
        expect(hint).not_to_have_text(before)
        if comfy.page.evaluate(IS_NEWER):  # its nodes may keep the language before until then
            comfy.reload()
        comfy.page.wait_for_function(TITLED, arg=[APPLY, nodes[APPLY]["display_name"]])
        node = comfy.page.evaluate(ADD, APPLY)
        expect_apply(comfy, renderer, node, nodes[APPLY])
        comfy.page.evaluate("id => app.graph.remove(app.graph.getNodeById(id))", node)


class TestStart:
    """The page is opened in a language."""

    @pytest.fixture
    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"Comfy.Locale": "zh"}

    def test_the_nodes_speak_it(self, comfy: ComfyPage, renderer: str) -> None:
        nodes = translation("zh")
        expect_apply(comfy, renderer, comfy.page.evaluate(ADD, APPLY), nodes[APPLY])
        tooltip = comfy.page.evaluate(PROFILE_TOOLTIP)
        written = nodes[PROFILE]["inputs"]["concept_templates"]["tooltip"]
        assert "{concept}" in tooltip and "{context}" in tooltip
        assert tooltip == written.replace("{'", "").replace("'}", "")

    @ONCE  # the panel is the same in both
    def test_the_help_pages_speak_it(self, comfy: ComfyPage) -> None:
        open_help(comfy, APPLY)
        expect(comfy.find(".node-help-content h1")).to_have_text("应用神经元掩码")
