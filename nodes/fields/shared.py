"""Common parts of the dialogs: category, wire types, search words, inputs, percentages."""

from typing import Any

import torch
from comfy_api.latest import io

from ...fia_core import NeuronMask

CATEGORY = "Forget It All"
MOST_STRENGTH = 2.0

ConceptProfileWire = io.Custom("FIA_CONCEPT_PROFILE")
NeuronMaskWire = io.Custom("FIA_NEURON_MASK")
LoraWire = io.Custom("LORA_MODEL")


def with_advanced(schema: io.Schema, *names: str) -> io.Schema:
    """The schema, with the inputs of these names marked for the page to fold away.

    A page that does not know the mark shows them as it always did.
    """
    for widget in schema.inputs:
        if widget.id in names:
            widget.extra_dict["advanced"] = True
    return schema


def search_words(*words: str) -> dict[str, Any]:
    """Argument of a schema: what else a person may type to find the node, the pack's name with it;
    none where the host's schema has no such field."""
    known = "search_aliases" in io.Schema.__dataclass_fields__
    return {"search_aliases": [*words, "forget it all"]} if known else {}


def strength_input(tooltip: str) -> io.Float.Input:
    """The slider ``strength``: pruned weights times 1 − strength, a LoRA times strength."""
    return io.Float.Input(
        "strength",
        default=1.0,
        min=0.0,
        max=MOST_STRENGTH,
        step=0.05,
        round=0.001,
        display_mode=io.NumberDisplay.slider,
        tooltip=tooltip,
    )


def prefix_input(default: str) -> io.String.Input:
    """The start of a new file's name."""
    return io.String.Input(
        "filename_prefix",
        default=default,
        tooltip=(
            "Start of the file name; a number is added, so nothing is overwritten. "
            "May begin with subfolders: objects/church."
        ),
    )


def mask_or_lora(
    mask: NeuronMask | None, lora: dict[str, torch.Tensor] | None
) -> NeuronMask | dict[str, torch.Tensor]:
    """The one of two inputs that is connected.

    Raises:
        ValueError: none is, or both are.
    """
    if mask is not None and lora is None:
        return mask
    if lora is not None and mask is None:
        return lora
    raise ValueError("mask, lora: connect one of the two.")


def require_ranges(node: type[io.ComfyNode], **values: float) -> None:
    """Raise ValueError for a number outside its dialog's range: the host checks those that are
    written there, not those that come by wire."""
    ranges: dict[str, Any] = {one.id: one for one in node.define_schema().inputs}
    for name, value in values.items():
        least, most = ranges[name].min, ranges[name].max
        if not least <= value <= most:
            raise ValueError(f"{name}: is {value:g}; give a number from {least:g} to {most:g}.")


def fraction(percent: float) -> float:
    """The fraction that a dialog's percentage means: 0.7 gives 0.007, not 0.006999999999999999."""
    return round(percent / 100, 6)


def percentage(fraction: float) -> float:
    """A fraction as a dialog's percentage: 0.007 gives 0.7, not 0.7000000000000001."""
    return round(100 * fraction, 4)
