"""The help pages: one for each node in each language, with a picture."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PAGES = Path(__file__).resolve().parents[2] / "web" / "docs"
LANGUAGES = ("zh", "ja", "fr", "es")
LARGEST_PICTURE = 60_000  # bytes
WIDEST_PICTURE = 800  # pixels; the page's panel is narrower
INPUTS = {"Inputs", "输入", "入力", "Entrées", "Entradas"}
BUTTONS = {"Embed in workflow", "嵌入工作流", "ワークフローに埋め込む"}
BUTTONS |= {"Intégrer au workflow", "Incrustar en el flujo"}
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
    translated = {(page.parent.name, page.stem) for page in PAGES.glob("*/*.md")}
    assert translated == set(itertools.product(node_ids, LANGUAGES))


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


@dataclass(frozen=True)
class Names:
    """What a node and its sockets are called in one language, by id."""

    title: str
    inputs: dict[str, str]
    outputs: dict[str, str]

    @classmethod
    def of_page(cls, page: Path, extension: Any) -> "Names":
        """Those in the page's language."""
        if page.parent != PAGES:
            path = PAGES.parents[1] / "locales" / page.stem / "nodeDefs.json"
            node = json.loads(path.read_text(encoding="utf-8"))[page.parent.name]
            inputs, outputs = (
                {id: slot["name"] for id, slot in node[side].items()}
                for side in ("inputs", "outputs")
            )
            return cls(node["display_name"], inputs, outputs)
        schema = extension.node(page.stem).GET_SCHEMA()
        inputs = {slot.id: slot.display_name or slot.id for slot in schema.inputs}
        outputs = {str(n): slot.display_name or slot.id for n, slot in enumerate(schema.outputs)}
        return cls(schema.display_name, inputs, outputs)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_page_calls_the_node_and_its_inputs_by_their_names(page: Path, extension: Any) -> None:
    names = Names.of_page(page, extension)
    assert page.read_text(encoding="utf-8").startswith(f"# {names.title}\n")
    explained = explained_inputs(page)
    assert explained <= set(names.inputs.values())
    assert explained or not names.inputs


@pytest.mark.parametrize("page", sorted(PAGES.glob("*/*.md")), ids=name)
def test_a_translation_explains_what_the_english_page_explains(page: Path, extension: Any) -> None:
    english = PAGES / f"{page.parent.name}.md"
    assert explained(page, extension) == explained(english, extension)
    assert items(page) == items(english)


def explained(page: Path, extension: Any) -> tuple[set[str], set[str]]:
    """Ids of the inputs that have an item of their own, and of the outputs in bold anywhere.

    An output that is called as an input is (mask, model) is not looked for.
    """
    names = Names.of_page(page, extension)
    inputs, bold = explained_inputs(page), bold_words(page.read_text(encoding="utf-8"))
    return (
        {id for id, name in names.inputs.items() if name in inputs},
        {id for id, name in names.outputs.items() if name in bold - set(names.inputs.values())},
    )


def explained_inputs(page: Path) -> set[str]:
    """The bold words before the colon in the section on inputs, less the page's own buttons."""
    lines = page.read_text(encoding="utf-8").splitlines()
    starts = (line for line in section(lines, INPUTS) if line.startswith("- **"))
    words = (bold_words(re.split("[:：]", line)[0]) for line in starts)
    return set().union(*words) - BUTTONS


def bold_words(text: str) -> set[str]:
    return set(re.findall(r"\*\*([^*]+)\*\*", text))


def section(lines: list[str], headings: set[str]) -> Iterator[str]:
    """The lines below a heading that is one of these."""
    inside = False
    for line in lines:
        if line.startswith("## "):
            inside = line.removeprefix("## ") in headings
        elif inside:
            yield line


def items(page: Path) -> list[int]:
    """How many list items each section has: advice that one language lacks is found so."""
    sections = re.split("^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [len(re.findall("^- ", text, re.MULTILINE)) for text in sections]


SETTINGS = sorted(PAGES.glob("FIAProfileConcept/*.md"))


def figures(page: Path) -> list[list[str]]:
    """The rows of a page's tables without their first cells, which are words."""
    rows = re.findall(r"^\|(.+)\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")][1:] for row in rows]
    ends = [number for number, row in enumerate(cells) if set(row) == {"---"}]
    return [row for number, row in enumerate(cells) if not {number, number + 1} & set(ends)]


@pytest.mark.parametrize("page", SETTINGS, ids=name)
def test_a_translations_settings_by_model_have_the_english_figures(page: Path) -> None:
    assert figures(page) == figures(PAGES / f"{page.parent.name}.md")


def test_the_settings_by_model_are_such_that_the_node_takes(extension: Any) -> None:
    inputs = {slot.id: slot for slot in extension.node("FIAProfileConcept").GET_SCHEMA().inputs}
    table = figures(PAGES / "FIAProfileConcept.md")
    assert len(table) > 5
    for side, cfg, steps, samplers, scheduler in table:
        assert int(side) % inputs["width"].step == 0
        assert inputs["cfg"].min <= float(cfg) <= inputs["cfg"].max
        all_steps, profiled = (int(count) for count in steps.split(" / "))
        assert profiled <= all_steps
        assert set(samplers.split(", ")) <= set(inputs["sampler"].options)
        assert scheduler in inputs["scheduler"].options


def test_the_settings_by_model_are_those_that_the_node_chooses(extension: Any) -> None:
    text = (PAGES / "FIAProfileConcept.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| ([\w .-]+) \| (\d.+) \|$", text, re.MULTILINE))
    sampling = extension.module("nodes.host.denoising.request")
    table = extension.module("nodes.host.model.preferences")
    automatic = sampling.SamplingSettings(0, 0, 0, 0, *2 * [sampling.AUTOMATIC], 0, 0)
    chosen = {}
    for row in (*table._FAMILIES.values(), table._KLEIN):
        of = sampling.filled_in(automatic, row)
        steps = f"{of.steps} / {of.profile_steps}"
        chosen[row.family] = f"{of.width} | {of.cfg:g} | {steps} | {of.sampler} | {of.scheduler}"
    assert len(told) > 5
    assert told.items() <= chosen.items()


@pytest.mark.parametrize("page", ["limits.md", "using.md"])
def test_who_shares_a_file_is_told_what_it_gives_away(page: str) -> None:
    text = (PAGES.parents[1] / "docs" / page).read_text(encoding="utf-8")
    assert "[Roots Beneath the Cut](https://arxiv.org/abs/2603.06640)" in text
