"""The benchmark of speed: its table, and a row in the real host."""

import subprocess
import sys
from pathlib import Path

from benchmarks.speed_rows.figures import Figure, merged, read_figures, write_figures
from workbench.environment import ROOT

TABLE = ROOT / "docs" / "results" / "speed.csv"
MOST = 1.6
"""Times a plain forward that Eq. 1 may take in its least disturbed round; alone it takes 1.1."""


def test_a_row_that_is_measured_again_is_replaced() -> None:
    old = [Figure("one", [1.0], row="profile"), *[Figure("old", [1.0], row="files")] * 2]
    again = merged(old, [Figure("new", [1.0], row="files")], ("files", "profile"))
    assert [one.title for one in again] == ["new", "one"]


def test_the_page_has_the_figures_of_the_table(tmp_path: Path) -> None:
    write_figures(tmp_path / "again.csv", read_figures(TABLE))
    for ending in (".csv", ".md"):
        again = (tmp_path / "again.csv").with_suffix(ending)
        assert again.read_text("utf-8") == TABLE.with_suffix(ending).read_text("utf-8")


def test_the_equations_cost_about_a_forward_in_the_real_host(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "speed.py"
    options = ["--row", "statistics", "--rounds", "7", "--results", str(tmp_path)]
    subprocess.run([sys.executable, str(script), *options], check=True)
    (figure,) = read_figures(tmp_path / "speed.csv")
    assert min(figure.values) < MOST
    assert "| exact Eq. 1 statistics |" in (tmp_path / "speed.md").read_text("utf-8")
