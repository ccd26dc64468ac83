"""Markdown tables."""

from collections.abc import Iterable, Sequence
from math import isnan


def table(head: Sequence[str], lines: Iterable[Sequence[str]], before: str = "") -> str:
    """A Markdown table below a sentence; empty without lines."""
    rows = [f"| {' | '.join(cells)} |" for cells in lines]
    if not rows:
        return ""
    start = [before, ""] if before else []
    heading = f"| {' | '.join(head)} |".replace("|  |", "| |")
    return "\n".join([*start, heading, f"| {'--- | ' * len(head)}".strip(), *rows])


def percent(share: float, digits: int = 0) -> str:
    """``"12 %"``, or a dash where nothing is known."""
    return "–" if isnan(share) else f"{100 * share:.{digits}f} %"
