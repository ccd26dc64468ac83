"""A figure of ``speed.py``, its CSV file, and the page."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

INTRODUCTION = """# Speed, memory, files

Written by `python3 benchmarks/speed.py`. UNets of the host's own classes at the size of Stable
Diffusion 1.5 and XL, with random weights: they draw nothing, but every weight, activation and file
has its true size. The two timings of a ratio run in turn, each first in every other round. A row's
conditions say what was made smaller to fit the time, and on what machine it ran. One thread on a
CPU is timed by its own CPU seconds, all else by the clock. Memory is that of a process told to
return what it frees, as a GPU's allocator counts it. Rows about masks and files use ten profiles at
the size of SD 1.5, which the first of them makes in `results/speed/`.

Nothing here was measured on a card. By calculation, from counted work and published rates, a
profile takes 1.03 to 1.21 times as long as drawing the same prompts on cards from RTX 3060 to H100
(commit 7996ec5, `docs/results/cards.md`).
"""
HEAD = (
    *("figure", "against", "median", "lowest to highest", "rounds", "goal", "", "conditions"),
    "commit",
)


@dataclass(frozen=True)
class Figure:
    """One line of the page.

    Attributes:
        title: what was measured.
        values: one a round.
        unit: of the values, "×" for a ratio.
        against: what it is compared with; empty where it stands for itself.
        goal: at most this much; None where there is no goal.
        conditions: model, size, prompts, steps, machine.
        row: the row of ``speed.py`` that measured it.
        commit: that was checked out; empty where it was not noted.
    """

    title: str
    values: Sequence[float]
    unit: str = "×"
    against: str = ""
    goal: float | None = None
    conditions: str = ""
    row: str = ""
    commit: str = ""


COLUMNS = tuple(field.name for field in fields(Figure))


def read_figures(path: Path) -> list[Figure]:
    """The file's figures; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return [
        Figure(
            **{
                **line,
                "values": [float(value) for value in line["values"].split()],
                "goal": float(line["goal"]) if line["goal"] else None,
            }  # pyright: ignore[reportArgumentType] the other columns are texts
        )
        for line in lines
    ]


def write_figures(path: Path, figures: Sequence[Figure]) -> None:
    """The CSV, a line a figure with its values in one cell, and the page beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for one in figures:
            values = " ".join(f"{value:.6g}" for value in one.values)
            goal = "" if one.goal is None else f"{one.goal:g}"
            table.writerow({**vars(one), "values": values, "goal": goal})
    lines = [HEAD, ["---"] * len(HEAD), *map(cells, figures)]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    path.with_suffix(".md").write_text(f"{INTRODUCTION}\n{rows}\n", encoding="utf-8")


def merged(old: Sequence[Figure], new: Sequence[Figure], order: Sequence[str]) -> list[Figure]:
    """``new`` in place of the old figures of the same rows, rows in ``order``."""
    again = {one.row for one in new}
    together = [*(one for one in old if one.row not in again), *new]
    return sorted(together, key=lambda one: order.index(one.row))


def cells(figure: Figure) -> list[str]:
    """The cells of a figure's line in the page; the median is held against the goal."""
    values, unit, goal = figure.values, figure.unit, figure.goal
    verdict = "" if goal is None else "reached" if median(values) <= goal else "missed"
    return [
        figure.title,
        figure.against or "–",
        f"{_short(median(values))} {unit}",
        f"{_short(min(values))} to {_short(max(values))}",
        f"{len(values)}",
        "–" if goal is None else f"≤ {goal:g} {unit}",
        verdict,
        figure.conditions,
        figure.commit or "an earlier one",
    ]


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
