"""Build Concept Mask: choose a concept's neurons from its profile."""

from comfy.model_management import get_torch_device
from comfy_api.latest import io

from ..fia_core import (
    GRANULARITIES,
    MAX_SPATIAL_SPARSITY,
    ConceptProfile,
    build_concept_mask,
)
from .fields.shared import (
    CATEGORY,
    ConceptProfileWire,
    NeuronMaskWire,
    fraction,
    require_ranges,
    search_words,
    with_advanced,
)


class BuildConceptMask(io.ComfyNode):
    """Eq. 4-6; runs once a concept when a list of profiles comes in."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        schema = io.Schema(
            node_id="FIABuildConceptMask",
            display_name="Build Concept Mask",
            category=CATEGORY,
            **search_words("erase", "sparsity", "neurons"),
            description=(
                "Choose the weights (neurons) that answer most to a concept. "
                "Works once a concept when several profiles come in; takes no denoising."
            ),
            inputs=[
                ConceptProfileWire.Input("profile", tooltip="From Profile Concept."),
                io.Float.Input(
                    "spatial_sparsity",
                    display_name="spatial sparsity %",
                    default=1.0,
                    min=0.01,
                    max=100 * MAX_SPATIAL_SPARSITY,
                    step=0.1,
                    round=0.01,
                    display_mode=io.NumberDisplay.slider,
                    tooltip=(
                        "Percentage of the FFN2 weights that may belong to the concept. "
                        "The paper: 0.7 for most objects, 2 for styles, 3 for what proves "
                        "hard to forget. More forgets better and harms more."
                    ),
                ),
                io.Combo.Input(
                    "granularity",
                    options=list(GRANULARITIES),
                    default=GRANULARITIES[0],
                    tooltip=(
                        "Where a weight must be among the largest: in its output channel, in the "
                        "whole layer, or in both (the paper)."
                    ),
                ),
            ],
            outputs=[NeuronMaskWire.Output(display_name="mask", tooltip="The concept's neurons.")],
        )
        return with_advanced(schema, "granularity")

    @classmethod
    def execute(
        cls, profile: ConceptProfile, spatial_sparsity: float, granularity: str
    ) -> io.NodeOutput:
        require_ranges(cls, spatial_sparsity=spatial_sparsity)
        mask = build_concept_mask(
            profile, fraction(spatial_sparsity), granularity, get_torch_device()
        )
        return io.NodeOutput(mask)
