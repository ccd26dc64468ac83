"""Inspect Mask: where a mask's weights lie and how concepts overlap, as pictures and a table."""

from collections.abc import Sequence

import numpy as np
import torch
from comfy_api.latest import io, ui
from PIL import Image

from ..fia_core import NeuronMask, inspect_mask, inspection_text
from ..fia_core.equations.checks import require_choice
from .charts import MEASURES, inspection_pages
from .fields.shared import CATEGORY, NeuronMaskWire, search_words


class InspectMask(io.ComfyNode):
    """Counts and draws; no picture of the model is made."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIAInspectMask",
            display_name="Inspect Mask",
            category=CATEGORY,
            **search_words("erase", "chart", "overlap", "weights"),
            description=(
                "See where a mask's weights lie, by block, layer and channel, how the masks of its "
                "concepts overlap, and which other concept loses most: before any picture is made."
            ),
            is_input_list=True,
            is_output_node=True,
            inputs=[
                NeuronMaskWire.Input("mask", tooltip="The mask to inspect, such as a fused one."),
                NeuronMaskWire.Input(
                    "concept_masks",
                    optional=True,
                    tooltip=(
                        "Masks of single concepts, one or a list, for the overlap and the hints. "
                        "All that the mask was fused from also show what was kept."
                    ),
                ),
                NeuronMaskWire.Input(
                    "kept_masks",
                    optional=True,
                    tooltip=(
                        "Masks of concepts that should stay, from the same Build Concept Mask "
                        "settings: shows how much of each is pruned, and with which concept."
                    ),
                ),
                io.Combo.Input(
                    "overlap",
                    options=list(MEASURES),
                    default=next(iter(MEASURES)),
                    tooltip=(
                        "What the matrix shows of two masks: the share of the row's weights that "
                        "the column holds too, the Jaccard index (in both, of in either), or how "
                        "many are in both. The table has all three."
                    ),
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="picture",
                    tooltip="Where the weights lie; of several concepts' masks also the overlap.",
                ),
                io.String.Output(display_name="table", tooltip="The numbers, and more of them."),
            ],
        )

    @classmethod
    def execute(
        cls,
        mask: list[NeuronMask],
        overlap: list[str],
        concept_masks: list[NeuronMask] | None = None,
        kept_masks: list[NeuronMask] | None = None,
    ) -> io.NodeOutput:
        if len(mask) != 1:
            raise ValueError(
                f"mask: {len(mask)} masks arrived; connect one. Join several in Fuse Masks, or "
                "connect them to concept_masks."
            )
        require_choice("overlap", overlap[0], tuple(MEASURES))
        inspection = inspect_mask(mask[0], concept_masks or (), kept_masks or ())
        picture = _batch(inspection_pages(inspection, overlap[0]))
        table = inspection_text(inspection)
        shown = {**ui.PreviewImage(picture, cls=cls).as_dict(), "text": (table,)}
        return io.NodeOutput(picture, table, ui=shown)


def _batch(pages: Sequence[Image.Image]) -> torch.Tensor:
    """RGB pictures of one size as float32 (pages, height, width, 3), 0 to 1."""
    return torch.from_numpy(np.stack([np.asarray(page) for page in pages])).float() / 255
