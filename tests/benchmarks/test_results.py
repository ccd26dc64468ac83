"""Tables that are kept say what the rows say."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from benchmarks.analysis.frames import Measured
from benchmarks.analysis.report import report
from benchmarks.evidence import METHODS, SUITES, counted, several
from benchmarks.harness.places import Places, suite_path
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.suite_file import load_suite
from workbench.environment import ROOT

RESULTS = ROOT / "docs" / "results"
MEASURED = sorted(f"natural/{path.stem}" for path in (RESULTS / "rows" / "natural").iterdir())
REPORTED = sorted(f"natural/{path.stem}" for path in (RESULTS / "natural").glob("*.md"))


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


def test_the_page_of_evidence_counts_what_the_rows_say() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text("utf-8")
    rows = list(counted())
    assert {row.model for row in rows} == set(SUITES)
    for row in rows:
        assert (row.asked, row.drawn) == (20, 60)
        if row.method == METHODS["base"]:
            assert (row.found, row.kept, row.there) == ((20, 20), (60, 60), 20)
        else:
            assert f"| {' | '.join(row.cells())} |\n" in page
    at_once = list(several())
    assert len(at_once) == 6
    assert all(f"| {' | '.join(cells)} |\n" in page for cells in at_once)
