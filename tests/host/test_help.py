"""The help pages: one for each node, with a picture, in the languages that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PAGES = Path(__file__).resolve().parents[2] / "web" / "docs"
LANGUAGES = ("zh", "ja", "fr", "es")
LARGEST_PICTURE = 60_000  # bytes
WIDEST_PICTURE = 800  # pixels; the page's panel is narrower
HEADINGS = 3  # the title, the inputs or how it is used, and mistakes, at least


@pytest.fixture(scope="session")
def node_ids(extension: Any) -> list[str]:
    return [node.GET_SCHEMA().node_id for node in extension.module("nodes").NODES]


def pages() -> list[Path]:
    return sorted(PAGES.rglob("*.md"))


def name(page: Path) -> str:
    return page.relative_to(PAGES).as_posix()


def test_each_node_has_a_page_and_each_page_a_node(node_ids: list[str]) -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(node_ids)
    for page in PAGES.glob("*/*.md"):
        assert page.parent.name in node_ids
        assert page.stem in LANGUAGES


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_page_has_its_sections_and_one_small_picture(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^##? ", text, re.MULTILINE)) >= HEADINGS
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    path = PAGES / picture  # the page asks for it beside the English page, in any language
    assert path.stat().st_size < LARGEST_PICTURE
    with Image.open(path) as image:
        assert image.width <= WIDEST_PICTURE


def test_every_picture_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in pages())
    pictures = [path.name for path in PAGES.iterdir() if path.suffix in (".png", ".jpg")]
    assert pictures
    for picture in pictures:
        assert f"({picture})" in text


def test_titles_are_the_nodes_names(extension: Any) -> None:
    for node in extension.module("nodes").NODES:
        schema = node.GET_SCHEMA()
        page = (PAGES / f"{schema.node_id}.md").read_text(encoding="utf-8")
        assert page.splitlines()[0] == f"# {schema.display_name}"


def test_inputs_that_a_page_explains_are_the_nodes(extension: Any) -> None:
    """The bold words that begin a line of the section on inputs, less the page's own buttons."""
    buttons = {"Embed in workflow"}
    for node in extension.module("nodes").NODES:
        schema = node.GET_SCHEMA()
        shown = {slot.id for slot in schema.inputs} | {slot.display_name for slot in schema.inputs}
        page = (PAGES / f"{schema.node_id}.md").read_text(encoding="utf-8")
        _, _, rest = page.partition("## Inputs\n")
        for line in re.findall(r"^- (\*\*.*)", rest.partition("\n## ")[0], re.MULTILINE):
            words = set(re.findall(r"\*\*([^*]+)\*\*", line.partition(":")[0]))
            assert words - buttons <= shown, (schema.node_id, words)


@pytest.mark.parametrize("node_id", ["FIAApplyNeuronMask", "FIALoadNeuronMask"])
def test_the_limits_are_told(node_id: str) -> None:
    page = (PAGES / f"{node_id}.md").read_text(encoding="utf-8")
    for words in ("SD 1.x, SD 2.x, SDXL", "no guarantee of safety", "LoRA loaded"):
        assert words in page
