"""Closed-Form LoRA: move all FFN2 weights a little, where a mask prunes some."""

from typing import Any

import comfy.sd
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from .fields.prompting import (
    ADVANCED,
    clip_input,
    concepts_input,
    lines,
    prompt_inputs,
    read_request,
    require_distinct,
)
from .fields.shared import CATEGORY, fraction, require_ranges, search_words, with_advanced
from .host.closed_form.search import forget_in_closed_form
from .host.model.layers import lora_names


class ClosedFormLora(io.ComfyNode):
    """A LoRA with which *a church in a forest* is drawn like *a forest*."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        schema = io.Schema(
            node_id="FIAClosedFormLora",
            display_name="Closed-Form LoRA",
            category=CATEGORY,
            **search_words(
                *("erase", "unlearn", "remove", "forget", "lora", "concept"),
                *("negative", "LECO", "slider", "NAG"),
            ),
            description=(
                "Another way to forget, ours and not the paper's: denoise prompts with and without "
                "a concept for a few steps, and calculate a LoRA under which the second "
                "feed-forward layers (FFN2) answer to both alike."
            ),
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The model that is to forget. A LoRA loaded before is part of it.",
                ),
                clip_input(),
                concepts_input(),
                io.String.Input(
                    "keep",
                    multiline=True,
                    default="",
                    tooltip=(
                        "What must stay although it suffers, one concept a line, of the same kind. "
                        "Each takes as long as one to forget. May be empty."
                    ),
                ),
                io.Float.Input(
                    "share",
                    display_name="forget %",
                    default=90.0,
                    min=1.0,
                    max=100.0,
                    step=1.0,
                    round=0.1,
                    tooltip=(
                        "How much to remove, in per cent of the most that this node can remove. "
                        "Raise it where the concept is still there, lower it where too much "
                        "suffers."
                    ),
                ),
                *prompt_inputs(),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model that forgot."),
                io.Custom("LORA_MODEL").Output(
                    display_name="LoRA",
                    tooltip=(
                        "For Load LoRA Model, which has a strength, or Save LoRA Weights: a file "
                        "as large as the FFN2 weights, 100 MB for SD 1.5, 820 MB for SDXL."
                    ),
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )
        return with_advanced(schema, *ADVANCED)

    @classmethod
    def execute(
        cls, model: ModelPatcher, clip: CLIP | None, keep: str, share: float, **prompts: Any
    ) -> io.NodeOutput:
        require_ranges(cls, share=share)
        request = read_request(cls, model, **prompts)
        kept = lines(keep)
        require_distinct("concepts and keep", (*request.concepts, *kept))
        differences = forget_in_closed_form(
            model, clip, request, kept=kept, share=fraction(share), node_id=cls.hidden.unique_id
        )
        names = lora_names(model)
        lora = {f"{names[f'{name}.weight']}.diff": added for name, added in differences.items()}
        changed, _ = comfy.sd.load_lora_for_models(model, None, lora, 1.0, 0.0)
        return io.NodeOutput(changed, lora)
