"""The pages of an inspection, all of one size as a batch of pictures must be."""

from collections.abc import Sequence

from PIL import Image

from ...fia_core import MaskInspection
from .blocks import block_rows, legend
from .canvas import heading, percent, stacked
from .hints import hint_bars
from .layers import layer_columns
from .overlap import MEASURES, overlap_matrix


def inspection_pages(inspection: MaskInspection, measure: str) -> list[Image.Image]:
    """Where the pruned weights lie; where several concepts' masks were given, how they overlap.

    Args:
        inspection: what is drawn.
        measure: of overlap, one of ``MEASURES``.

    Returns:
        RGB pictures of one size.
    """
    parts = [_heading(inspection), legend(inspection.threshold is not None)]
    parts += block_rows(inspection)
    if len(inspection.blocks) < len(inspection.layers):
        parts += layer_columns(inspection)
    pages = [parts]
    if inspection.overlap is not None and len(inspection.overlap.names) > 1:
        chosen = MEASURES[measure]
        matrix = overlap_matrix(inspection.overlap, chosen)
        title = heading("How the concepts overlap", [chosen.what])
        pages.append([title, matrix, *hint_bars(inspection.overlap)])
    return _one_height(pages)


def _one_height(pages: Sequence[Sequence[Image.Image]]) -> list[Image.Image]:
    height = max(sum(part.height for part in parts) for parts in pages)
    return [stacked(parts, height) for parts in pages]


def _heading(inspection: MaskInspection) -> Image.Image:
    total, concepts = inspection.total, inspection.mask.concepts
    number = f"{len(concepts)} concepts: " if len(concepts) > 1 else ""
    share = f"{total.pruned:,} weights, {percent(total.share)} of FFN2"
    if inspection.model_weights:
        share += f", {percent(total.pruned / inspection.model_weights)} of the model"
    lines = [number + ", ".join(concepts), share]
    if inspection.threshold is not None:
        lines.append(
            f"kept: {total.agnostic:,} concept-agnostic and {total.protected:,} protected weights"
        )
    return heading("Where the pruned weights lie", lines)
