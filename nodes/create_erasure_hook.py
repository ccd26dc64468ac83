"""Create Erasure Hook: a mask for one conditioning, or for some steps."""

from comfy.hooks import HookGroup
from comfy_api.latest import io

from ..fia_core import NeuronMask
from .fields.shared import CATEGORY, NeuronMaskWire, require_ranges, search_words, strength_input
from .host.applying.erasure_hook import erasure_hooks


class CreateErasureHook(io.ComfyNode):
    """Joins ComfyUI's own hook nodes: Cond Set Props, Set Hook Keyframes, Combine Hooks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIACreateErasureHook",
            display_name="Create Erasure Hook",
            category=CATEGORY,
            **search_words("erase", "hook", "region", "schedule"),
            description=(
                "A mask for a part of the picture, for one prompt of several, or for some of the "
                "steps. ComfyUI's own nodes Cond Pair Set Props and Set Hook Keyframes say where "
                "and when. Use it in place of Apply Neuron Mask."
            ),
            inputs=[
                NeuronMaskWire.Input("mask", tooltip="The weights to prune."),
                strength_input(
                    tooltip=(
                        "As in Apply Neuron Mask: 0 changes nothing, 1 sets the weights to zero as "
                        "in the paper. Hook keyframes multiply it."
                    ),
                ),
                io.Hooks.Input(
                    "prev_hooks",
                    optional=True,
                    tooltip="Hooks that the same conditioning has already.",
                ),
            ],
            outputs=[
                io.Hooks.Output(
                    display_name="hooks",
                    tooltip="For Cond Pair Set Props, or Set Hook Keyframes before it.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, mask: NeuronMask, strength: float, prev_hooks: HookGroup | None = None
    ) -> io.NodeOutput:
        require_ranges(cls, strength=strength)
        return io.NodeOutput(erasure_hooks(mask, strength, prev_hooks))
