"""Strength Strip: one sampling run, several strengths."""

import re
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ..fia_core import NeuronMask
from .fields.shared import CATEGORY, MOST_STRENGTH, NeuronMaskWire, search_words
from .host.applying.strength_strip import strip_latent, strip_model


class StrengthStrip(io.ComfyNode):
    """Row b of the batch comes as from W · (1 − strength b) where the mask holds."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIAStrengthStrip",
            display_name="Strength Strip",
            category=CATEGORY,
            **search_words("erase", "compare strengths", "batch", "sweep", "slider"),
            description=(
                "Draw one picture at several strengths in one run. Use it in place of Apply Neuron "
                "Mask to find the strength that you want."
            ),
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The model to change. A LoRA loaded before this node is pruned too.",
                ),
                NeuronMaskWire.Input("mask", tooltip="The weights to prune."),
                io.Latent.Input(
                    "latent",
                    tooltip="What to start from: every strength, with the same noise.",
                ),
                io.String.Input(
                    "strengths",
                    default="0, 0.5, 1, 1.5, 2",
                    tooltip=(
                        "Numbers from 0 to 2 with commas between them, one picture each. 0 is the "
                        "plain model, 1 the paper's method."
                    ),
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model", tooltip="Draws each row of the batch at its strength."
                ),
                io.Latent.Output(
                    display_name="latent", tooltip="The batch for the sampler, a row a strength."
                ),
                io.String.Output(
                    display_name="strengths",
                    tooltip="The strengths, for labels of Compare Erasure.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, model: ModelPatcher, mask: NeuronMask, latent: dict[str, Any], strengths: str
    ) -> io.NodeOutput:
        values = read_strengths(strengths)
        return io.NodeOutput(
            strip_model(model, mask, values),
            strip_latent(latent, len(values)),
            ", ".join(f"{value:g}" for value in values),
        )


def read_strengths(text: str) -> list[float]:
    """The numbers of a text; commas, spaces or lines lie between them.

    Raises:
        ValueError: none, or one that is no number from 0 to 2.
    """
    words = re.findall(r"[^\s,;]+", text)
    if not words:
        raise ValueError("strengths: is empty. Write numbers from 0 to 2, such as 0, 0.5, 1.")
    return [_strength(word) for word in words]


def _strength(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST_STRENGTH:
        raise ValueError(
            f"strengths: {word!r} is no number from 0 to 2. Write such as 0, 0.5, 1, with a point "
            "in the number and commas between."
        )
    return value
