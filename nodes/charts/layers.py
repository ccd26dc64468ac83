"""A column a layer, for models whose blocks have several."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from ...fia_core import LayerInspection, MaskInspection
from .blocks import PARTS
from .canvas import MARGIN, SMALL, WIDTH, Canvas, percent
from .lettering import text_width
from .palette import NOTHING, QUIET_TEXT

LEFT = MARGIN + 64  # pixels, after the axis
TOP = 40
HEIGHT = 200
GAP = 8  # between blocks
WIDEST_COLUMN = 16.0


def layer_columns(inspection: MaskInspection) -> list[Image.Image]:
    """Columns of pruned and kept shares of each layer's weights, grouped by block."""
    counts = [layer.counts for layer in inspection.layers]
    largest = max(one.sensitive / one.weights for one in counts)
    canvas = Canvas(TOP + HEIGHT + 44)
    canvas.text(
        MARGIN,
        18,
        "By layer, in % of its weights; layers of a block from left to right",
        SMALL,
        QUIET_TEXT,
    )
    for share, middle in ((largest, TOP + 9), (0.0, TOP + HEIGHT - 9)):
        canvas.text(LEFT - 8, middle, percent(share), SMALL, QUIET_TEXT, align=1)
    column = column_width(inspection.blocks)
    x = float(LEFT)
    for block, layers in inspection.blocks.items():
        slot = _slot(block, len(layers), column)
        start = x + (slot - len(layers) * column) / 2
        for number, layer in enumerate(layers):
            _draw_column(canvas, start + number * column, column, layer, largest)
        canvas.text(x + slot / 2, TOP + HEIGHT + 18, block, SMALL, align=0.5)
        x += slot + GAP
    return [canvas.image]


def column_width(blocks: Mapping[str, Sequence[LayerInspection]]) -> float:
    """The widest column at which all layers and the names of all blocks fit; at least 1 pixel."""
    room = WIDTH - MARGIN - LEFT - GAP * (len(blocks) - 1)
    for column in np.arange(WIDEST_COLUMN, 1, -0.5):
        slots = [_slot(block, len(layers), column) for block, layers in blocks.items()]
        if sum(slots) <= room:
            return float(column)
    return 1.0


def _slot(block: str, layers: int, column: float) -> float:
    return max(layers * column, text_width(block, SMALL) + 4)


def _draw_column(
    canvas: Canvas, x: float, width: float, layer: LayerInspection, largest: float
) -> None:
    end, bottom = x + width - 1, float(TOP + HEIGHT)
    canvas.rectangle(x, TOP, end, bottom, NOTHING)
    scale = HEIGHT / layer.counts.weights / (largest or 1)
    for attribute, colour, _ in PARTS:
        top = bottom - scale * getattr(layer.counts, attribute)
        canvas.rectangle(x, top, end, bottom, colour)
        bottom = top
