"""Tables that are kept say what the rows say."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from benchmarks.analysis.frames import Measured
from benchmarks.analysis.lines import TARGETS, Line, lines
from benchmarks.analysis.report import report
from benchmarks.harness.places import Places, suite_path
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.suite_file import load_suite
from workbench.environment import ROOT

RESULTS = ROOT / "docs" / "results"
MEASURED = sorted(f"natural/{path.stem}" for path in (RESULTS / "rows" / "natural").iterdir())
REPORTED = sorted(f"natural/{path.stem}" for path in (RESULTS / "natural").glob("*.md"))
JUDGES = ("demo_objects", "transformer_objects")


@cache
def of_suite(name: str) -> Measured:
    return Measured(load_suite(suite_path(name)), Rows(Places(name).rows))


@pytest.mark.parametrize("name", MEASURED)
def test_rows_answer_all_that_their_suite_asks_and_no_more(name: str) -> None:
    suite, rows = load_suite(suite_path(name)), Rows(Places(name).rows)
    assert set(rows.pictures) == {
        (task.origin, shot) for task in plan(suite) for shot in task.shots
    }
    assert all(set(one.values) == set(suite.judges) for one in rows.pictures.values())


@dataclass(frozen=True)
class Elsewhere(Places):
    """Rows of the checkout; the plot is drawn into another folder."""

    folder: Path = ROOT

    def plot(self, name: str) -> Path:
        return self.folder / f"{name}.png"


def tables(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("name", REPORTED)
def test_a_reports_tables_are_those_of_the_rows(name: str, tmp_path: Path) -> None:
    kept = (RESULTS / f"{name}.md").read_text("utf-8")
    again = report(of_suite(name), Elsewhere(name, folder=tmp_path))
    assert len(tables(kept)) > 5 and tables(kept) == tables(again)


def table_rows(file: Path, heading: str) -> dict[str, list[str]]:
    """Cells by the first one, of the first table after a heading."""
    table = re.search(r"(?:^\|.*\n)+", file.read_text("utf-8").partition(heading)[2], re.MULTILINE)
    assert table, f"{file.name}: no table after {heading!r}"
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].splitlines()]
    return {cells[0].strip("*"): [cell.strip("*") for cell in cells[1:]] for cells in lines[2:]}


LINES = {
    "Forget It All, r2 1 %": "fia, r2 1 %",
    "Forget It All, r2 3 %": "fia, r2 3 %",
    "Forget It All, r2 10 %": "fia, r2 10 %",
    "Forget It All, the released form": "fia_released, r2 3 %",
    "ConceptPrune": "concept_prune, 3 %",
    "ConceptPrune, 10 %": "concept_prune, 10 %",
    "Double Projections": "double_projections, to three scenes",
    "ScaPre": "scapre, authors'",
    "SPEED": "speed, τ 10 %, to a photo",
    "UCE": "uce, last word's token",
    "FFN2 in closed form": "ffn2_edit, p 1",
    "Closed-Form LoRA": "closed_form_lora",
}
"""The README's name of a line, and its label in the suites."""


def left_cell(line: Line | None) -> str:
    """What is left at 90 and at 80 % kept; where a line ends before, what it leaves and keeps."""
    if line is None:
        return "–"
    cells = []
    for target in TARGETS:
        at = line.at(target)
        ends = f" (keeps {at.kept:.0%})" if round(at.kept, 2) != target else ""
        cells.append(f"{at.left:.0%}{ends}".replace("%", ""))
    return " · ".join(dict.fromkeys(cells))


README_TABLES = {
    "#### One name alone": (("alone", "lora_alone"), ("alone_others",)),
    "#### Ten names at once": (("test", "lora"),),
}
"""Suites of the README's columns, of which each judge has one."""


@pytest.mark.parametrize("heading", README_TABLES)
def test_the_readmes_tables_say_what_the_lines_leave(heading: str) -> None:
    columns: list[dict[str, Line]] = []
    for names in README_TABLES[heading]:
        for judge in JUDGES:
            read = [of_suite(f"natural/twin_0_{name}").read_by(judge) for name in names]
            columns.append({line.sweep.label: line for one in read for line in lines(one)})
    rows = {name: [left_cell(own.get(label)) for own in columns] for name, label in LINES.items()}
    plain = [f"{next(iter(own.values())).points[0].left:.0%}".rstrip("%") for own in columns]
    drawn = {name: cells for name, cells in rows.items() if set(cells) != {"–"}}
    assert table_rows(ROOT / "README.md", heading) == {"plain model": plain} | drawn


GUIDANCE_ROWS = {
    "negative prompt": "negative_prompt",
    "[NAG](https://arxiv.org/abs/2505.21179)": "nag",
    "Forget It All": "fia",
    "Forget It All, strength 2": "FIA, strength 2",
    "SPEED": "speed",
    "ScaPre": "scapre",
    "FFN2 in closed form": "ffn2_edit",
}


def test_the_readme_says_of_guidance_1_what_both_judges_see() -> None:
    measured = of_suite("natural/twin_0_guidance_one")
    table = table_rows(ROOT / "README.md", "## At guidance 1")
    assert table.keys() == GUIDANCE_ROWS.keys()
    for name, label in GUIDANCE_ROWS.items():
        cells = []
        for judge in JUDGES:
            pairs = measured.pairs(judge)
            own = pairs[pairs["method"] == label]
            gone, stays = own[own["forgotten"]]["after"], own[~own["forgotten"]]["after"]
            assert (len(gone), len(stays)) == (40, 80)
            cells.append(f"{gone.sum():.0f} · {(1 - stays).sum():.0f}")
        assert table[name] == cells, name


LORA_SUITES = {"each alone": "twin_0_lora_alone", "ten at once": "twin_0_lora"}


def test_the_page_of_natural_models_says_what_the_node_leaves() -> None:
    """Found and kept with Closed-Form LoRA at 80, 85, 90 and 95 %, by two judges."""
    table = {}
    for name, suite in LORA_SUITES.items():
        cells: dict[str, list[str]] = {}
        for judge in JUDGES:
            (line,) = lines(of_suite(f"natural/{suite}").read_by(judge))
            for point in line.points[1:]:
                cell = f"{point.left:.0%} · {point.kept:.0%}".replace("%", "")
                cells.setdefault(point.value, []).append(cell)
        shares = ("80.0", "85.0", "90.0", "95.0")
        table[name] = ["{} ({})".format(*cells[it]) if it in cells else "–" for it in shares]
    assert table_rows(ROOT / "docs" / "natural.md", "### Closed-Form LoRA") == table
