"""Apply Neuron Mask: prune a mask's weights in a model."""

import logging

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ..fia_core import NeuronMask
from .fields.shared import CATEGORY, NeuronMaskWire, require_ranges, search_words, strength_input
from .host.applying.weight_patch import apply_neuron_mask


class ApplyNeuronMask(io.ComfyNode):
    """W becomes W · (1 − strength) where the mask holds."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIAApplyNeuronMask",
            display_name="Apply Neuron Mask",
            category=CATEGORY,
            **search_words("erase", "unlearn", "remove", "strength", "negative", "slider"),
            description=(
                "Prune the mask's weights in this branch of the graph. The model itself stays as "
                "it was; take the wire away and it is back."
            ),
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip=(
                        "The model to change. A LoRA loaded before this node is pruned too; one "
                        "loaded after it fills the holes again, and merging at a ratio of 0.5 only "
                        "halves the effect."
                    ),
                ),
                NeuronMaskWire.Input("mask", tooltip="The weights to prune."),
                strength_input(
                    tooltip=(
                        "Pruned weights become weight · (1 − strength): 0 changes nothing, 1 sets "
                        "them to zero as in the paper. Above 1, our own extension, turns them "
                        "against the concept: it erases more, and harms the rest more. "
                        "A change here needs no new profile."
                    ),
                ),
            ],
            outputs=[io.Model.Output(display_name="model", tooltip="The model that forgot.")],
        )

    @classmethod
    def execute(cls, model: ModelPatcher, mask: NeuronMask, strength: float) -> io.NodeOutput:
        require_ranges(cls, strength=strength)
        if mask.count == 0:
            logging.warning("Apply Neuron Mask: the mask is empty, so nothing is forgotten.")
        return io.NodeOutput(apply_neuron_mask(model, mask, strength))
