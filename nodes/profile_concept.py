"""Profile Concept: find out how strongly each FFN2 weight answers to a concept."""

from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from ..fia_core import SALIENCY_FORMS
from ..fia_core.equations.checks import require_choice
from .fields.prompting import ADVANCED, clip_input, concepts_input, prompt_inputs, read_request
from .fields.shared import (
    CATEGORY,
    ConceptProfileWire,
    fraction,
    require_ranges,
    search_words,
    with_advanced,
)
from .host.profiling.cache import host_cache
from .host.profiling.concepts import profile_concepts
from .host.profiling.request import ProfileRequest


class ProfileConcept(io.ComfyNode):
    """Stage 1 and Eq. 3 of the method for one or more concepts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        schema = io.Schema(
            node_id="FIAProfileConcept",
            display_name="Profile Concept",
            category=CATEGORY,
            **search_words(
                *("erase", "unlearn", "remove", "censor", "negative", "nsfw", "concept"),
                *("LECO", "slider", "NAG"),
            ),
            description=(
                "Denoise prompts with and without a concept for a few steps and record how much "
                "each weight of the second feed-forward layers (FFN2) answers to the concept. "
                "Changes nothing in the model."
            ),
            inputs=[
                io.Model.Input(
                    "model", tooltip="The model to profile. A LoRA loaded before is part of it."
                ),
                clip_input(),
                concepts_input(
                    " For another kind add a Profile Concept and a Build Concept Mask, joined at "
                    "masks_2 of Fuse Masks. Every concept gives one profile; the prompts without a "
                    "concept are run once for all of them."
                ),
                *prompt_inputs(
                    " When you change it, temporal sparsity here, spatial sparsity and agnostic "
                    "ratio in the nodes after it become the usual ones for the kind, near the "
                    "paper's Table 8; change them as you like."
                ),
                io.Float.Input(
                    "temporal_sparsity",
                    display_name="temporal sparsity %",
                    default=5.0,
                    min=0.1,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip=(
                        "Percentage of a layer's weights that count as sensitive at each step "
                        "(the paper uses 5)."
                    ),
                ),
                io.Combo.Input(
                    "saliency_form",
                    options=list(SALIENCY_FORMS),
                    default=SALIENCY_FORMS[0],
                    tooltip=(
                        "exact: Eq. 1 of the paper. released: the simplified form of Eq. 1 in the "
                        "authors' published code; the rest is as with exact."
                    ),
                ),
                io.Boolean.Input(
                    "use_cache",
                    default=True,
                    optional=True,
                    tooltip=(
                        "Take profiles that were made before from the disk, and keep new ones "
                        "there. Anything that matters, down to the model's weights, makes a new "
                        "profile."
                    ),
                ),
            ],
            outputs=[
                ConceptProfileWire.Output(
                    display_name="profiles",
                    is_output_list=True,
                    tooltip="One profile a concept; later nodes run once for each.",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )
        return with_advanced(schema, *ADVANCED, "temporal_sparsity", "saliency_form", "use_cache")

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        clip: CLIP | None,
        temporal_sparsity: float,
        saliency_form: str,
        use_cache: bool = True,
        **prompts: Any,
    ) -> io.NodeOutput:
        require_choice("saliency_form", saliency_form, SALIENCY_FORMS)
        require_ranges(cls, temporal_sparsity=temporal_sparsity)
        request = ProfileRequest(
            **vars(read_request(cls, model, **prompts)),
            temporal_sparsity=fraction(temporal_sparsity),
            saliency_form=saliency_form,
        )
        cache = host_cache() if use_cache else None
        return io.NodeOutput(profile_concepts(model, clip, request, cache, cls.hidden.unique_id))
