"""Strength Strip: one sampling run, several strengths."""

import re
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ..fia_core import NeuronMask
from .fields.shared import (
    CATEGORY,
    MOST_STRENGTH,
    LoraWire,
    NeuronMaskWire,
    mask_or_lora,
    search_words,
)
from .host.applying.strength_strip import strip_latent, strip_of_lora, strip_of_mask
from .host.model.lora import Lora


class StrengthStrip(io.ComfyNode):
    """Row b of the batch comes as from a mask, or a LoRA, at strength b."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIAStrengthStrip",
            display_name="Strength Strip",
            category=CATEGORY,
            **search_words("erase", "compare strengths", "batch", "sweep", "slider"),
            description=(
                "Draw one picture at several strengths in one run, of a mask or of a LoRA that "
                "Forget LoRA made, to find the strength that you want."
            ),
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The model to change, with the LoRAs that were loaded before.",
                ),
                io.Latent.Input(
                    "latent",
                    tooltip="What to start from: every strength, with the same noise.",
                ),
                io.String.Input(
                    "strengths",
                    default="0, 0.5, 1, 1.5, 2",
                    tooltip=(
                        "Numbers from 0 to 2 with commas between them, one picture each; for a "
                        "LoRA from -2. 0 is the plain model, 1 the mask or the LoRA as it was made."
                    ),
                ),
                NeuronMaskWire.Input(
                    "mask", optional=True, tooltip="The weights to prune, or connect a LoRA."
                ),
                LoraWire.Input(
                    "lora", optional=True, tooltip="Of Forget LoRA, in place of a mask."
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
        cls,
        model: ModelPatcher,
        latent: dict[str, Any],
        strengths: str,
        mask: NeuronMask | None = None,
        lora: Lora | None = None,
    ) -> io.NodeOutput:
        erasure = mask_or_lora(mask, lora)
        if isinstance(erasure, NeuronMask):
            values = read_strengths(strengths)
            changed = strip_of_mask(model, erasure, values)
        else:
            values = read_strengths(strengths, -MOST_STRENGTH)
            changed = strip_of_lora(model, erasure, values)
        return io.NodeOutput(
            changed,
            strip_latent(latent, len(values)),
            ", ".join(f"{value:g}" for value in values),
        )


def read_strengths(text: str, least: float = 0.0) -> list[float]:
    """The numbers of a text; commas, spaces or lines lie between them.

    Raises:
        ValueError: none, or one that is no number from ``least`` to 2.
    """
    words = re.findall(r"[^\s,;]+", text)
    if not words:
        raise ValueError(
            f"strengths: is empty. Write numbers from {least:g} to 2, such as 0, 0.5, 1."
        )
    return [_strength(word, least) for word in words]


def _strength(word: str, least: float) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not least <= value <= MOST_STRENGTH:
        raise ValueError(
            f"strengths: {word!r} is no number from {least:g} to 2. Write such as 0, 0.5, 1, "
            "with a point in the number and commas between."
        )
    return value
