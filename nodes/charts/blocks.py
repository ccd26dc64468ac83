"""A row a block: its pruned and kept weights, the share, and how channels share them out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from ...fia_core import FusionCounts, LayerInspection, MaskInspection, sum_counts
from .canvas import BODY, MARGIN, SMALL, Canvas, percent
from .palette import AGNOSTIC, NOTHING, PROTECTED, PRUNED, QUIET_TEXT, SHARE

ROW = 44  # pixels
BAR = (120, 340)  # where it starts and ends
COUNT = 452  # where the number ends
PERCENT = 532
OUTPUTS = (548, 656)
INPUTS = (672, 780)

PARTS = (
    ("pruned", PRUNED, "pruned"),
    ("agnostic", AGNOSTIC, "concept-agnostic, kept"),
    ("protected", PROTECTED, "protected, kept"),
)
"""Attributes of ``FusionCounts`` as they follow each other in a bar, with colour and legend."""


@dataclass(frozen=True)
class Row:
    """The content of one row.

    Attributes:
        label: the block's name.
        counts: of its weights.
        outputs: float64, the share of each output channel's weights that is pruned, largest first.
        inputs: the same of the input channels.
    """

    label: str
    counts: FusionCounts
    outputs: Tensor
    inputs: Tensor


@dataclass(frozen=True)
class Scales:
    """What a full bar and a full height stand for."""

    weights: int
    share: float
    output: float
    input: float


def legend(kept_known: bool) -> Image.Image:
    """The legend of the colours."""
    canvas = Canvas(36)
    x = float(MARGIN)
    for _, colour, name in PARTS if kept_known else PARTS[:1]:
        x = canvas.key(x, 18, colour, name)
    canvas.key(x, 18, SHARE, "pruned share")
    return canvas.image


def block_rows(inspection: MaskInspection) -> list[Image.Image]:
    """The scales, and a row for each block from the model's input to its output."""
    rows = [_row(block, layers) for block, layers in inspection.blocks.items()]
    scales = Scales(
        weights=max(row.counts.sensitive for row in rows),
        share=max(row.counts.share for row in rows),
        output=max(float(row.outputs[0]) for row in rows),
        input=max(float(row.inputs[0]) for row in rows),
    )
    canvas = Canvas(len(rows) * ROW)
    for number, row in enumerate(rows):
        _draw_row(canvas, number * ROW, row, scales)
    return [_columns(scales), canvas.image]


def by_rank(values: Tensor, columns: int) -> Tensor:
    """Samples of ``values``, which fall, at ``columns`` even steps from the first."""
    return values[torch.arange(columns) * len(values) // columns]


def _row(label: str, layers: Sequence[LayerInspection]) -> Row:
    return Row(
        label=label,
        counts=sum_counts([layer.counts for layer in layers]),
        outputs=_falling([layer.by_output / layer.shape[1] for layer in layers]),
        inputs=_falling([layer.by_input / layer.shape[0] for layer in layers]),
    )


def _falling(shares: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(shares)).double().sort(descending=True).values


def _columns(scales: Scales) -> Image.Image:
    """The meaning of a full bar, and a name above each column."""
    canvas = Canvas(86)
    bars = f"Full bars: {scales.weights:,} weights, {percent(scales.share)} of the block."
    heights = f"{percent(scales.output)} of an output, {percent(scales.input)} of an input"
    canvas.text(MARGIN, 16, bars, SMALL, QUIET_TEXT)
    canvas.text(MARGIN, 40, f"Channels, fullest first. Full height: {heights}.", SMALL, QUIET_TEXT)
    for x, align, name in (
        (MARGIN, 0, "block"),
        (BAR[0], 0, "weights"),
        (COUNT, 1, "pruned"),
        (PERCENT, 1, "share"),
        (OUTPUTS[0], 0, "outputs"),
        (INPUTS[0], 0, "inputs"),
    ):
        canvas.text(x, 70, name, SMALL, QUIET_TEXT, align)
    return canvas.image


def _draw_row(canvas: Canvas, top: int, row: Row, scales: Scales) -> None:
    counts, middle = row.counts, top + ROW / 2
    upper, lower = top + 4, top + ROW - 4
    canvas.text(MARGIN, middle, row.label, BODY, width=BAR[0] - MARGIN - 6)
    canvas.rectangle(BAR[0], upper, BAR[1], lower, NOTHING)
    length = (BAR[1] - BAR[0]) / max(scales.weights, 1)
    x = float(BAR[0])
    for attribute, colour, _ in PARTS:
        end = x + length * getattr(counts, attribute)
        canvas.rectangle(x, upper, end, lower - 11, colour)
        x = end
    end = BAR[0] + (BAR[1] - BAR[0]) * counts.share / (scales.share or 1)
    canvas.rectangle(BAR[0], lower - 8, end, lower, SHARE)
    canvas.text(COUNT, middle, f"{counts.pruned:,}", BODY, align=1)
    canvas.text(PERCENT, middle, percent(counts.share), BODY, align=1)
    for shares, full, (start, end) in (
        (row.outputs, scales.output, OUTPUTS),
        (row.inputs, scales.input, INPUTS),
    ):
        canvas.rectangle(start, upper, end, lower, NOTHING)
        for column, share in enumerate(by_rank(shares, end - start).tolist(), start):
            height = (lower - upper) * share / (full or 1)
            canvas.rectangle(column, lower - height, column + 1, lower, SHARE)
