"""Create Erasure Hook: a mask, or a LoRA, for one conditioning, or for some steps."""

from comfy.hooks import HookGroup
from comfy_api.latest import io

from ..fia_core import NeuronMask
from .fields.shared import (
    CATEGORY,
    LoraWire,
    NeuronMaskWire,
    mask_or_lora,
    require_ranges,
    search_words,
    strength_input,
)
from .host.applying.erasure_hook import erasure_hooks
from .host.model.lora import Lora


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
                "A mask, or a LoRA of Forget LoRA, for a part of the picture, for one prompt of "
                "several, or for some of the steps. ComfyUI's own nodes Cond Pair Set Props and "
                "Set Hook Keyframes say where and when. Use it in place of Apply Neuron Mask or "
                "Load LoRA Model."
            ),
            inputs=[
                NeuronMaskWire.Input(
                    "mask", optional=True, tooltip="The weights to prune, or connect a LoRA."
                ),
                LoraWire.Input(
                    "lora", optional=True, tooltip="Of Forget LoRA, in place of a mask."
                ),
                strength_input(
                    tooltip=(
                        "0 changes nothing, 1 is the mask or the LoRA as it was made. Hook "
                        "keyframes multiply it."
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
        cls,
        strength: float,
        mask: NeuronMask | None = None,
        lora: Lora | None = None,
        prev_hooks: HookGroup | None = None,
    ) -> io.NodeOutput:
        require_ranges(cls, strength=strength)
        return io.NodeOutput(erasure_hooks(mask_or_lora(mask, lora), strength, prev_hooks))
