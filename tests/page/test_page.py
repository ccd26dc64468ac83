"""The extension in the page: its scripts load."""

from comfy_page import ComfyPage


def test_the_page_opens_without_an_error(comfy: ComfyPage) -> None:
    assert comfy.page.evaluate("app.graph.nodes.length") == 0
