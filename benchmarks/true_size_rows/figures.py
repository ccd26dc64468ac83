"""The table of ``true_size.py``: its CSV file, and the report.

A figure is a row of a frame: the ``row`` that measured it, a ``Figure``, and the ``commit`` that
was checked out, empty where it was not noted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from benchmarks.analysis.frames import Frame
from benchmarks.analysis.tables import table

INTRODUCTION = """# True size, true speed

Written by `python3 benchmarks/true_size.py`. UNets of the host's own classes at the size of Stable
Diffusion 1.5 and XL, with random weights: they draw nothing, but every weight, activation and file
has its true size. The two timings of a ratio run in turn, each first in every other round. A row's
conditions say what was made smaller to fit the time, and on what machine it ran. One thread on a
CPU is timed by its own CPU seconds, all else by the clock. Memory *in use* is that of a process
told to return what it frees (glibc's `MALLOC_MMAP_THRESHOLD_`), as a GPU's allocator counts it;
other rows of memory are what a process on a CPU holds, gaps included. Profiling now keeps 13 bytes
a weight for one concept, all of it made before sampling; the rows here are older. A row that names
another commit was measured by that commit's code: *profile* without a round to warm up, at 512 px
alone; Eq. 1 also against the forward with guidance, twice the work (0.552, goal 0.55). Rows about
selection, fusion and files use ten profiles at the size of SD 1.5, which the first of them makes in
`results/true_size/`.
"""
HEAD = (
    *("figure", "against", "median", "lowest to highest", "rounds", "goal", "", "conditions"),
    "commit",
)
COLUMNS = (
    *("row", "title", "against", "unit", "goal", "at_least", "values", "conditions", "commit"),
)
"""The file's columns."""


def frame(measured: Sequence[Mapping[str, Any]], row: str, machine: str, commit: str) -> Frame:
    """The figures that a row has measured, each with the machine among its conditions."""
    made: Frame = pd.DataFrame([*measured]).assign(row=row, commit=commit)
    return made.assign(conditions=made["conditions"] + f"; {machine}")


def read_figures(path: Path) -> Frame:
    """The file's figures; none where there is no file."""
    if not path.exists():
        return pd.DataFrame(columns=[*COLUMNS])
    text = {"against": str, "commit": str}
    numbers = {"values": lambda cell: [float(value) for value in cell.split()]}
    return pd.read_csv(path, dtype=text, converters=numbers).fillna(dict.fromkeys(text, ""))


def write_figures(path: Path, figures: Frame) -> None:
    """One line a figure; its values in one cell, in the order of the rounds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [" ".join(f"{value:.6g}" for value in one) for one in figures["values"]]
    figures.assign(values=values).to_csv(path, columns=[*COLUMNS], index=False)


def merged(old: Frame, new: Frame, order: Sequence[str]) -> Frame:
    """``new`` in place of the old figures of the same rows, rows in ``order``."""
    others = old[~old["row"].isin(new["row"])]
    together = pd.concat([others, new]) if len(others) else new
    return together.sort_values("row", key=lambda rows: rows.map(order.index), kind="stable")


def report(figures: Frame) -> str:
    """The Markdown."""
    return f"{INTRODUCTION}\n{table(HEAD, map(cells, figures.itertuples()))}\n"


def cells(figure: Any) -> list[str]:
    """The cells of a figure's line in the report."""
    values, unit, sign = figure.values, figure.unit, "≥" if figure.at_least else "≤"
    return [
        figure.title,
        figure.against or "–",
        f"{_short(median(values))} {unit}",
        f"{_short(min(values))} to {_short(max(values))}",
        f"{len(values)}",
        "–" if pd.isna(figure.goal) else f"{sign} {figure.goal:g} {unit}",
        verdict(figure),
        figure.conditions,
        figure.commit or "an earlier one",
    ]


def verdict(figure: Any) -> str:
    """Whether the median reaches the goal; empty without one."""
    if pd.isna(figure.goal):
        return ""
    middle = median(figure.values)
    reached = middle >= figure.goal if figure.at_least else middle <= figure.goal
    return "reached" if reached else "missed"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
