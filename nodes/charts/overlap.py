"""How the concepts' masks overlap, as a matrix, and how much of each is pruned."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from ...fia_core import ConceptOverlap
from .canvas import BODY, MARGIN, SMALL, WIDTH, Canvas, percent
from .lettering import text_width
from .palette import DARK_TEXT, NOTHING, PROTECTED, PRUNED, QUIET_TEXT, TEXT, shade, text_on

LABELS = 200  # pixels
LOST = 100
GAP = 12
LARGEST_CELL = 56
LOWEST_ROW = 18
COLUMN_NUMBERS = 30
NAME_SIZES = (BODY, 16)  # the largest and the smallest
COLUMN_SIZES = (16, 12)
CELL_SIZES = (SMALL, 9)


@dataclass(frozen=True)
class Measure:
    """A way to say how much two masks overlap.

    Attributes:
        what: for the heading.
        values: float64 (N, N).
        text: a value as it stands in its cell.
        unit: what ``text`` leaves out.
    """

    what: str
    values: Callable[[ConceptOverlap], Tensor]
    text: Callable[[float], str]
    unit: str


def _hundredths(share: float) -> str:
    return f"{100 * share:.1f}" if 0 < share < 0.0995 else f"{100 * share:.0f}"


def _count(weights: float) -> str:
    if weights < 10_000:
        return f"{weights:,.0f}"
    return f"{weights / 1e3:,.0f}k" if weights < 1e6 else f"{weights / 1e6:,.1f}M"


MEASURES = {
    "share of own weights": Measure(
        "% of the row's weights that the column holds too",
        lambda overlap: overlap.share_of_own,
        _hundredths,
        " %",
    ),
    "Jaccard index": Measure(
        "weights that both hold, in % of those that either holds",
        lambda overlap: overlap.jaccard,
        _hundredths,
        " %",
    ),
    "count": Measure(
        "number of weights that both hold",
        lambda overlap: overlap.shared.double(),
        _count,
        "",
    ),
}


@dataclass(frozen=True)
class Grid:
    """Where the cells of a matrix of ``count`` concepts are, in pixels."""

    count: int

    @property
    def cell(self) -> float:
        """Width of a cell."""
        return min(LARGEST_CELL, (WIDTH - 2 * MARGIN - LABELS - GAP - LOST) / self.count)

    @property
    def row(self) -> float:
        """Height of a row, which must hold a name."""
        return max(self.cell, LOWEST_ROW)

    def left(self, column: int) -> float:
        """Where a column begins; that of ``count`` is the end of the last."""
        return MARGIN + LABELS + column * self.cell

    def top(self, row: int) -> float:
        """Where a row begins; that of ``count`` is the end of the last."""
        return COLUMN_NUMBERS + row * self.row

    @property
    def lost(self) -> float:
        """Where the column of lost shares begins."""
        return self.left(self.count) + GAP


def overlap_matrix(overlap: ConceptOverlap, measure: Measure) -> Image.Image:
    """A row and a column a concept, the share of each concept that is pruned, and the scale."""
    grid = Grid(len(overlap.names))
    values = measure.values(overlap)
    largest = float((values - values.diag().diag()).max())
    canvas = Canvas(round(grid.top(grid.count)) + 40)
    _names(canvas, overlap, grid)
    _cells(canvas, values.tolist(), largest, measure, grid)
    _column_numbers(canvas, grid)
    canvas.text(grid.lost, COLUMN_NUMBERS / 2, "pruned", SMALL, QUIET_TEXT)
    for row, lost in enumerate(overlap.lost.tolist()):
        _lost_bar(canvas, grid, row, lost)
    middle = grid.top(grid.count) + 22
    x = canvas.scale(MARGIN, middle, measure.text(largest) + measure.unit, "overlap")
    x = canvas.key(x, middle, PRUNED, "pruned share of its own")
    if not all(overlap.forgotten):
        canvas.key(x, middle, PROTECTED, "should stay")
    return canvas.image


def _names(canvas: Canvas, overlap: ConceptOverlap, grid: Grid) -> None:
    names = [f"{number} {name}" for number, name in enumerate(overlap.names, 1)]
    room = LABELS - 8
    largest, smallest = min(NAME_SIZES[0], round(grid.row) - 2), NAME_SIZES[1]
    size = largest_size(names, (largest, smallest), room) or smallest
    for row, name in enumerate(names):
        colour = TEXT if overlap.forgotten[row] else PROTECTED
        canvas.text(MARGIN, grid.top(row) + grid.row / 2, name, size, colour, width=room)


def _cells(
    canvas: Canvas, values: list[list[float]], largest: float, measure: Measure, grid: Grid
) -> None:
    texts = [[measure.text(value) for value in line] for line in values]
    others = {text for i, line in enumerate(texts) for j, text in enumerate(line) if i != j}
    size = largest_size(others, CELL_SIZES, grid.cell - 6)
    for i, line in enumerate(values):
        for j, value in enumerate(line):
            left, top = grid.left(j), grid.top(i)
            fill = NOTHING if i == j else shade(value / (largest or 1))
            canvas.rectangle(left, top, left + grid.cell - 1, top + grid.row - 1, fill)
            if size and i != j:
                x, middle = left + grid.cell / 2, top + grid.row / 2
                canvas.text(x, middle, texts[i][j], size, text_on(fill), align=0.5)


def _column_numbers(canvas: Canvas, grid: Grid) -> None:
    """Every number; where there is no room for it, every fifth."""
    numbers = range(1, grid.count + 1)
    size = largest_size([str(number) for number in numbers], COLUMN_SIZES, grid.cell - 5)
    for number in numbers if size else numbers[4::5]:
        x = grid.left(number - 1) + grid.cell / 2
        text, middle = str(number), COLUMN_NUMBERS / 2
        canvas.text(x, middle, text, size or COLUMN_SIZES[1], QUIET_TEXT, align=0.5)


def _lost_bar(canvas: Canvas, grid: Grid, row: int, lost: float) -> None:
    """A bar with its number inside where it is long, else after it."""
    top, middle = grid.top(row), grid.top(row) + grid.row / 2
    canvas.rectangle(grid.lost, top, grid.lost + LOST, top + grid.row - 1, NOTHING)
    end = grid.lost + LOST * lost
    canvas.rectangle(grid.lost, top, end, top + grid.row - 1, PRUNED)
    x, colour = (grid.lost, DARK_TEXT) if lost > 0.5 else (end, TEXT)
    canvas.text(x + 4, middle, percent(lost), min(SMALL, round(grid.row) - 2), colour)


def largest_size(texts: Collection[str], sizes: tuple[int, int], width: float) -> int | None:
    """The largest size in pixels between two bounds at which all texts fit.

    None where some text is wider than ``width`` even at the second.
    """
    largest, smallest = sizes
    for size in range(largest, smallest - 1, -1):
        if all(text_width(text, size) <= width for text in texts):
            return size
    return None
