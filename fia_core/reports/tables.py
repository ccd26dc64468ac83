"""Tables that read well as plain text and as Markdown: ComfyUI shows text either way."""

from collections.abc import Sequence


def markdown_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the first to the left, the others to the right."""
    lines = [[_one_line(cell) for cell in line] for line in (heading, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    first, *others = widths
    rule = [":" + "-" * (first - 1), *("-" * (width - 1) + ":" for width in others)]
    return "\n".join(_line(cells, widths) for cells in (lines[0], rule, *lines[1:]))


def _one_line(cell: str) -> str:
    return " ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    (name, *others), (first, *widths) = cells, widths
    numbers = (cell.rjust(width) for cell, width in zip(others, widths, strict=True))
    return f"| {' | '.join((name.ljust(first), *numbers))} |"
