"""Fuse Masks: one mask for many concepts, less what many of them hold."""

import logging

from comfy_api.latest import io

from ..fia_core import NeuronMask, fuse_neuron_masks, fusion_text, fusion_warnings
from .fields.shared import CATEGORY, NeuronMaskWire, fraction, require_ranges, search_words

FURTHER_INPUTS = tuple(f"masks_{number}" for number in range(2, 9))


class FuseMasks(io.ComfyNode):
    """Eq. 7-8 and protection."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        further = [
            NeuronMaskWire.Input(name, optional=True, tooltip="More masks, one or a list.")
            for name in FURTHER_INPUTS
        ]
        return io.Schema(
            node_id="FIAFuseMasks",
            display_name="Fuse Masks",
            category=CATEGORY,
            **search_words("erase", "combine", "merge", "protect", "agnostic"),
            description=(
                "Join the masks of several concepts. Weights that many of them hold are "
                "concept-agnostic and kept, as in the paper."
            ),
            is_input_list=True,
            inputs=[
                NeuronMaskWire.Input(
                    "masks", tooltip="Masks of the concepts to forget, one or a list."
                ),
                *further,
                io.Float.Input(
                    "agnostic_ratio",
                    display_name="agnostic ratio %",
                    default=60.0,
                    min=1.0,
                    max=100.0,
                    step=1.0,
                    round=0.01,
                    display_mode=io.NumberDisplay.slider,
                    tooltip=(
                        "A weight that at least this percentage of the concepts hold is kept. "
                        "The paper: 60 for objects, 80 for styles. Lower keeps more of the rest. "
                        "The mask of a single concept is always pruned whole; of two, what both "
                        "hold is always kept."
                    ),
                ),
                NeuronMaskWire.Input(
                    "protect",
                    optional=True,
                    tooltip="Masks of concepts that must stay: none of their weights is pruned.",
                ),
            ],
            outputs=[
                NeuronMaskWire.Output(display_name="mask", tooltip="The weights to prune."),
                io.String.Output(
                    display_name="report",
                    tooltip="What is sensitive, agnostic and pruned, per concept and per layer.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        masks: list[NeuronMask],
        agnostic_ratio: list[float],
        protect: list[NeuronMask] | None = None,
        **further: list[NeuronMask],
    ) -> io.NodeOutput:
        require_ranges(cls, agnostic_ratio=agnostic_ratio[0])
        together = [*masks, *(mask for name in FURTHER_INPUTS for mask in further.get(name, ()))]
        fusion = fuse_neuron_masks(together, fraction(agnostic_ratio[0]), tuple(protect or ()))
        for warning in fusion_warnings(fusion.report):
            logging.warning("Fuse Masks: %s", warning)
        report = fusion_text(fusion.report, fusion.mask.model_weights)
        return io.NodeOutput(fusion.mask, report)
