"""What the dialogs have in common: the category, the two wire types and percentages."""

from comfy_api.latest import io

CATEGORY = "Forget It All"

ConceptProfileWire = io.Custom("FIA_CONCEPT_PROFILE")
NeuronMaskWire = io.Custom("FIA_NEURON_MASK")


def fraction(percent: float) -> float:
    """The fraction that a dialog's percentage means: 0.7 gives 0.007, not 0.006999999999999999."""
    return round(percent / 100, 6)
