"""The benchmark of true size: its table, and its smallest row in the real host."""

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pytest

from benchmarks.true_size_rows.figures import (
    COLUMNS,
    cells,
    merged,
    read_figures,
    report,
    write_figures,
)
from workbench.environment import ROOT

TABLE = ROOT / "docs" / "results" / "true_size.csv"


def figures(*rows: dict[str, Any]) -> Any:
    """Figures of row "selection", except what is given."""
    usual = dict.fromkeys(COLUMNS, "") | {"row": "selection", "unit": "s", "goal": 1.5}
    return pd.DataFrame([usual | {"at_least": False, "values": [1.0]} | row for row in rows])


@pytest.mark.parametrize(
    ("goal", "at_least", "wanted"),
    [
        (1.0, False, ["≤ 1 s", "missed"]),
        (2.0, False, ["≤ 2 s", "reached"]),
        (2.0, True, ["≥ 2 s", "missed"]),
        (None, False, ["–", ""]),
    ],
)
def test_the_median_is_held_against_the_goal(
    goal: float | None, at_least: bool, wanted: list[str]
) -> None:
    measured = figures({"goal": goal, "at_least": at_least, "values": [0.1, 1.5, 9.0]})
    assert cells(next(measured.itertuples()))[2:7] == ["1.5 s", "0.1 to 9", "3", *wanted]


def test_a_row_that_is_measured_again_is_replaced() -> None:
    old = figures({"row": "profile"}, {"row": "files", "unit": "GB"}, {"row": "files"})
    again = merged(old, figures({"row": "files", "unit": "MB"}), ("files", "profile"))
    assert list(zip(again["row"], again["unit"], strict=True)) == [
        ("files", "MB"),
        ("profile", "s"),
    ]


def test_the_report_and_the_docs_have_the_figures_of_the_table(tmp_path: Path) -> None:
    measured, docs = read_figures(TABLE), ROOT / "docs"
    write_figures(tmp_path / "again.csv", measured)
    assert (tmp_path / "again.csv").read_bytes() == TABLE.read_bytes()
    assert report(measured) == TABLE.with_suffix(".md").read_text("utf-8")
    files = measured[measured["row"] == "files"].set_index("title")["values"]
    sizes = {title: f"{median(values):.1f} MB" for title, values in files.items()}
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
    ((ratio,),) = read_figures(tmp_path / "true_size.csv")["values"]
    assert 0.1 < ratio < 10
    assert "| exact Eq. 1 statistics |" in (tmp_path / "true_size.md").read_text("utf-8")
