"""A figure of ``speed.py``, its CSV file, and the page."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

INTRODUCTION = """# Speed, memory, files

Written by `python3 benchmarks/speed.py`. UNets of the host's own classes at the size of Stable
Diffusion 1.5 and XL, with random weights: they draw nothing, but every weight, activation and file
has its true size. The two timings of a ratio run in turn. A row's conditions say what was made
smaller to fit the time, and on what machine it ran. A CPU's one thread is timed by its own seconds,
a card by the clock. Memory is that of a process told to return what it frees, as a GPU's
allocator counts it. Ten profiles for masks and files are made once, in `results/speed/`.

Nothing here was measured on a card. By calculation, from counted work and published rates, a
profile takes 1.03 to 1.21 times as long as drawing the same prompts on cards from RTX 3060 to H100
(commit 7996ec5, `docs/results/cards.md`).
"""
HEAD = "figure", "against", "median", "lowest to highest", "rounds", "conditions", "commit"


@dataclass(frozen=True)
class Figure:
    """One line of the page.

    Attributes:
        title: what was measured.
        values: one a round.
        unit: of the values, "×" for a ratio.
        against: what it is compared with; empty where it stands for itself.
        conditions: model, size, prompts, steps, machine.
        row: the row of ``speed.py`` that measured it.
        commit: that was checked out; empty where it was not noted.
    """

    title: str
    values: Sequence[float]
    unit: str = "×"
    against: str = ""
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
        Figure(values=[float(value) for value in line.pop("values").split()], **line)
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
            table.writerow({**vars(one), "values": values})
    lines = [HEAD, ["---"] * len(HEAD), *map(cells, figures)]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    path.with_suffix(".md").write_text(f"{INTRODUCTION}\n{rows}\n", encoding="utf-8")


def merged(old: Sequence[Figure], new: Sequence[Figure], order: Sequence[str]) -> list[Figure]:
    """``new`` in place of the old figures of the same rows, rows in ``order``."""
    again = {one.row for one in new}
    together = [*(one for one in old if one.row not in again), *new]
    return sorted(together, key=lambda one: order.index(one.row))


def cells(figure: Figure) -> list[str]:
    """The cells of a figure's line in the page."""
    values = figure.values
    return [
        figure.title,
        figure.against or "–",
        f"{_short(median(values))} {figure.unit}",
        f"{_short(min(values))} to {_short(max(values))}",
        f"{len(values)}",
        figure.conditions,
        figure.commit or "an earlier one",
    ]


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
