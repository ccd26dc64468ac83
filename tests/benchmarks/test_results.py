"""What the checkout says was measured is what its rows say: reports, plots, page and README."""

import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import pytest

from benchmarks.harness.index import index
from benchmarks.harness.ledger import Ledger
from benchmarks.harness.places import SUITES, Places
from benchmarks.harness.report import write_report
from benchmarks.harness.suite_file import load_suite
from workbench.environment import ROOT

RESULTS = ROOT / "docs" / "results"
MEASURED = sorted(path.stem for path in SUITES.glob("*.toml") if Places(path.stem).rows.exists())
SAME_PLOTS = matplotlib.__version__ == "3.11.2"
"""Another version draws some pixels otherwise."""


@dataclass(frozen=True)
class Copied(Places):
    """Rows from the checkout; report and plots go to another folder below the root."""

    folder: str = ""

    @property
    def report(self) -> Path:
        return ROOT / self.folder / f"{self.suite}.md"

    def plot(self, name: str) -> Path:
        return ROOT / self.folder / f"{self.suite}_{name}.png"


@pytest.mark.parametrize("name", MEASURED)
def test_a_report_and_its_plots_are_written_byte_for_byte(name: str) -> None:
    suite = load_suite(SUITES / f"{name}.toml")
    places = Copied(name, folder="results/benchmarks/again")
    write_report(suite, Ledger(places.rows).rows, places)
    assert places.report.read_text("utf-8") == (RESULTS / f"{name}.md").read_text("utf-8")
    for plot in suite.plots:
        again = places.plot(plot)
        if SAME_PLOTS:
            assert again.read_bytes() == (RESULTS / again.name).read_bytes(), again.name


def test_the_page_is_written_byte_for_byte() -> None:
    assert index() == (RESULTS / "README.md").read_text("utf-8")


def table_rows(file: Path, heading: str = "") -> dict[str, list[str]]:
    """Cells by the first one, of the first table after a heading."""
    text = file.read_text("utf-8").partition(heading)[2] if heading else file.read_text("utf-8")
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table, f"{file.name}: no table after {heading!r}"
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].splitlines()]
    return {cells[0].strip("*"): cells[1:] for cells in lines[2:]}


def shown(cell: str, digits: int) -> str:
    """A report's mean as the README rounds it."""
    return f"{float(cell.split(' ')[0]):.{digits}f} %"


OBJECTS = RESULTS / "objects.md"
README_ROWS = {
    "plain model": ("base model", ""),
    "Forget It All": ("FIA, exact Eq. 1", "FIA, spatial sparsity 0.5 %"),
    "ConceptPrune": ("ConceptPrune", "ConceptPrune, best of its sweep"),
    "UCE, told what to keep": ("UCE, best of its sweep", ""),
    "ESD-x, trained": ("ESD-x, the paper's rate, best of its sweep", ""),
    "negative prompt": ("negative prompt", ""),
}


def test_the_readmes_table_says_what_the_report_says() -> None:
    accuracy = table_rows(OBJECTS, "## ten at once: the bundled judge, objects")
    moved = table_rows(OBJECTS, "## ten at once: mean pixel distance to the base model")
    table = table_rows(ROOT / "README.md")
    assert table.keys() == README_ROWS.keys()
    for name, (label, second) in README_ROWS.items():
        forgotten, kept, far = (cell.strip("*") for cell in table[name])
        assert forgotten.strip("*") == shown(accuracy[label][0], 0), name
        assert kept.strip("*") == shown(accuracy[label][1], 0), name
        figures = re.findall(r"[\d.]+ %", far)
        labels = [one for one in (label, second) if one and label != "base model"]
        assert figures == [shown(moved[one][3], 1) for one in labels], name


NOISE, PICTURE = "from noise", "from the base model's picture"


def found_again(suite: str, judge: str, condition: str, method: str, pictures: int) -> int:
    """In how many pictures a judge finds what was forgotten, under one condition."""
    text = (RESULTS / f"{suite}.md").read_text("utf-8").partition(f": {judge}, objects")[2]
    lines = re.findall(r"^\|.*$", text.partition("by condition:")[2].partition("##")[0], re.M)
    methods, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    (cell,) = [row[methods.index(method)] for row in rows if row[0] == condition]
    return round(float(cell.split(" ")[0]) * pictures / 100)


def test_the_readmes_sentences_on_robustness_say_what_the_reports_say() -> None:
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    fia, half, prune = "FIA, exact Eq. 1", "FIA, spatial sparsity 0.5 %", "ConceptPrune"

    def asked(condition: str, method: str) -> int:
        return found_again("robust", "the second judge", condition, method, 140)

    def attacked(condition: str, method: str) -> int:
        return found_again("attack", "the bundled judge", condition, method, 20)

    assert f"in {asked(NOISE, fia)} of 140 ({asked(NOISE, 'base model')} before)" in text
    assert f"in {asked(PICTURE, fia)} of 140 that start" in text
    assert f"picture of it ({asked(PICTURE, 'base model')} before)" in text
    assert f"in {attacked(NOISE, fia)} of 20 pictures from noise" in text
    assert f"in {attacked(PICTURE, fia)} of 20 that start from such a picture" in text
    assert f"half as large in {attacked(NOISE, half) + attacked(PICTURE, half)} of the 40" in text
    let = (attacked(NOISE, f"{prune}, 1 %"), attacked(PICTURE, f"{prune}, 1 %"))
    assert f"lets {let[0]} and {let[1]} through, half as large all;" in text
    assert attacked(NOISE, prune) + attacked(PICTURE, prune) == 40
    assert f"UCE {attacked(NOISE, 'UCE')} and {attacked(PICTURE, 'UCE')}." in text
