"""The benchmark of true size: its table, and its smallest row in the real host."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.true_size import report
from benchmarks.true_size_rows.figures import Figure, merged, read_csv, write_csv

ROOT = Path(__file__).resolve().parents[2]


def figure(row: str, *values: float, goal: float | None = 1.5, at_least: bool = False) -> Figure:
    words = "sorting, twice", goal, at_least, "SD 1.5; CPU"
    return Figure("choosing", values, "s", *words, row)


@pytest.mark.parametrize(
    ("goal", "at_least", "verdict"),
    [(1.0, False, "missed"), (2.0, False, "reached"), (2.0, True, "missed"), (None, False, "")],
)
def test_the_median_is_held_against_the_goal(
    goal: float | None, at_least: bool, verdict: str
) -> None:
    measured = figure("selection", 0.1, 1.5, 9.0, goal=goal, at_least=at_least)
    assert measured.median == 1.5
    assert measured.verdict == verdict
    assert "| 1.5 s | 0.1 to 9 | 3 |" in measured.line()


def test_figures_survive_their_file(tmp_path: Path) -> None:
    figures = [figure("selection", 1.25, 2.5), figure("files", 3.0, goal=None, at_least=True)]
    write_csv(tmp_path / "figures.csv", figures)
    assert read_csv(tmp_path / "figures.csv") == figures
    assert read_csv(tmp_path / "none.csv") == []


def test_a_row_that_is_measured_again_is_replaced() -> None:
    old = [figure("profile", 1.0), figure("files", 2.0), figure("files", 3.0)]
    new = [figure("files", 4.0)]
    assert merged(old, new, ("files", "profile")) == [figure("files", 4.0), figure("profile", 1.0)]


def test_the_report_and_the_docs_have_the_figures_of_the_table() -> None:
    docs = ROOT / "docs"
    figures = read_csv(docs / "results" / "true_size.csv")
    assert report(figures) == (docs / "results" / "true_size.md").read_text("utf-8")
    sizes = {figure.title: f"{figure.median:.1f} MB" for figure in figures if figure.row == "files"}
    sharing, formats = (
        " ".join((docs / name).read_text("utf-8").split())
        for name in ("sharing.md", "file-formats.md")
    )
    one, five = (
        sizes[f"embedded mask of {many}, r2 = 1 %"] for many in ("one concept", "five concepts")
    )
    assert f"one concept takes about {one}, five about {five}, and ten" in sharing
    largest = sizes["mask with every tenth weight pruned, independent at random"]
    assert f"with one weight in ten pruned: {largest} for the 50 million" in formats


def test_a_row_is_measured_in_the_real_host(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "true_size.py"
    options = ["--row", "statistics", "--rounds", "1", "--results", str(tmp_path)]
    subprocess.run([sys.executable, str(script), *options], check=True)
    with_guidance, conditional = read_csv(tmp_path / "true_size.csv")
    assert 0 < with_guidance.median < conditional.median  # half the forward is the smaller part
    assert "| exact Eq. 1 statistics |" in (tmp_path / "true_size.md").read_text("utf-8")
