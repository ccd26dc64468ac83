"""The extension in the page: its scripts load, its workflow opens from the browser and runs."""

from typing import Any

from comfy_page import ComfyPage

SHORT = {
    "FIAProfileConcept": {"contexts": "park\nforest\nroom", "profile_steps": 2},
    "KSampler": {"steps": 4},
    "EmptyLatentImage": {"batch_size": 1},
}
"""Widget values that make the demo workflow quick."""


def shorten(comfy: ComfyPage, values: dict[str, dict[str, Any]] = SHORT) -> None:
    for kind, widgets in values.items():
        for node in comfy.node_ids(kind):
            for name, value in widgets.items():
                comfy.set_widget(node, name, value)


def test_the_page_opens_without_an_error(comfy: ComfyPage) -> None:
    assert comfy.page.evaluate("app.graph.nodes.length") == 0


def test_the_demo_workflow_opens_from_the_template_browser_and_runs(comfy: ComfyPage) -> None:
    comfy.open_template("forget_with_demo_model")
    assert comfy.node_ids("FIAApplyNeuronMask")
    assert comfy.missing_nodes() == []
    shorten(comfy)
    comfy.run()
    for node in comfy.node_ids("SaveImage"):
        (picture,) = comfy.output(node)["images"]
        assert picture["filename"].endswith(".png")
