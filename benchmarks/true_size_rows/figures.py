"""Figures of the benchmark, their goals, and the files that keep them."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of the report.

    Attributes:
        title: what was measured.
        values: one a round.
        unit: of the values, "×" for a ratio.
        against: what it is compared with; empty where it stands for itself.
        goal: at most this much, or at least where ``at_least``; None where there is no goal.
        at_least: whether more is better.
        conditions: model, size, prompts, steps, machine.
        row: name of the row that measured it.
        commit: that was checked out; empty where it was not noted.
    """

    title: str
    values: Sequence[float]
    unit: str = "×"
    against: str = ""
    goal: float | None = None
    at_least: bool = False
    conditions: str = ""
    row: str = ""
    commit: str = ""

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the median reaches the goal; empty without one."""
        if self.goal is None:
            return ""
        reached = self.median >= self.goal if self.at_least else self.median <= self.goal
        return "reached" if reached else "missed"

    def line(self) -> str:
        """Of the report's table."""
        sign = "≥" if self.at_least else "≤"
        goal = "–" if self.goal is None else f"{sign} {self.goal:g} {self.unit}"
        spread = f"{_short(min(self.values))} to {_short(max(self.values))}"
        middle = f"{_short(self.median)} {self.unit}"
        cells = (self.title, self.against or "–", middle, spread, len(self.values), goal)
        cells = (*cells, self.verdict, self.conditions, self.commit or "an earlier one")
        return f"| {' | '.join(map(str, cells))} |"


HEADER = (
    "| figure | against | median | lowest to highest | rounds | goal | | conditions | commit |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
COLUMNS = (
    *("row", "title", "against", "unit", "goal"),
    *("at_least", "values", "conditions", "commit"),
)
"""Of the file."""


def write_csv(path: Path, figures: Iterable[Figure]) -> None:
    """One line a figure; its values in one cell, in the order of the rounds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for figure in figures:
            values = " ".join(f"{value:.6g}" for value in figure.values)
            writer.writerow({**asdict(figure), "values": values})


def read_csv(path: Path) -> list[Figure]:
    """Figures from a file of ``write_csv``; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Figure(
                **{
                    **record,
                    "goal": float(record["goal"]) if record["goal"] else None,
                    "at_least": record["at_least"] == "True",
                    "values": tuple(map(float, record["values"].split())),
                }
            )
            for record in csv.DictReader(file)
        ]


def merged(old: Sequence[Figure], new: Sequence[Figure], order: Sequence[str]) -> list[Figure]:
    """``new`` in place of the old figures of the same rows, rows in ``order``."""
    measured = {figure.row for figure in new}
    together = [figure for figure in old if figure.row not in measured] + list(new)
    return sorted(together, key=lambda figure: order.index(figure.row))


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
