"""Profile Concept: find out how strongly each FFN2 weight answers to a concept."""

import comfy.samplers
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from ..fia_core import (
    DEFAULT_CONTEXT_COUNT,
    KINDS,
    SALIENCY_FORMS,
    PromptTemplates,
    default_contexts,
    default_templates,
)
from ..fia_core.equations.checks import require_choice
from ..fia_core.files.values import same_words
from .host.profiling.cache import host_cache
from .host.profiling.concepts import profile_concepts
from .host.profiling.request import ProfileRequest
from .host.profiling.sampling import SamplingSettings
from .shared import (
    CATEGORY,
    ConceptProfileWire,
    fraction,
    require_ranges,
    search_words,
    with_advanced,
)

ADVANCED = (
    *("contexts", "concept_templates", "base_template"),
    *("seed", "steps", "profile_steps", "cfg", "sampler", "scheduler"),
    *("batch_size", "temporal_sparsity", "saliency_form", "use_cache"),
)
LARGEST_SEED = 0xFFFFFFFFFFFFFFFF
LARGEST_SIDE = 16384
SIDE_TOOLTIP = (
    "Of the pictures in pixels; use the size that the model was made for: 512 for SD 1.5, 1024 for "
    "SDXL, SD3, Flux and Z-Image, 1328 for Qwen-Image."
)
LEAST_BASE_PROMPTS = 2  # the deviation over one prompt is 0


class ProfileConcept(io.ComfyNode):
    """Stage 1 and Eq. 3 of the method for one or more concepts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        schema = io.Schema(
            node_id="FIAProfileConcept",
            display_name="Profile Concept",
            category=CATEGORY,
            **search_words("erase", "unlearn", "remove", "censor", "negative", "nsfw", "concept"),
            description=(
                "Denoise prompts with and without a concept for a few steps and record how much "
                "each weight of the second feed-forward layers (FFN2) answers to the concept. "
                "Changes nothing in the model."
            ),
            inputs=[
                io.Model.Input(
                    "model", tooltip="The model to profile. A LoRA loaded before is part of it."
                ),
                io.Clip.Input("clip", tooltip="The text encoder that belongs to the model."),
                io.String.Input(
                    "concepts",
                    multiline=True,
                    default="church",
                    tooltip=(
                        "What to forget, one concept a line (commas do not separate them), all of "
                        "one kind. Object: a noun (a church in a road). Explicit content: an "
                        "adjective (a photo of a naked man). Art style: its name (a cat in the "
                        "style of Van Gogh). For another kind add a Profile Concept and a Build "
                        "Concept Mask, joined at masks_2 of Fuse Masks. Every concept gives one "
                        "profile; the prompts without a concept are run once for all of them."
                    ),
                ),
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default=KINDS[0],
                    tooltip=(
                        "What sort of concepts these are; sets the contexts and templates. When "
                        "you change it, temporal sparsity here, spatial sparsity and agnostic "
                        "ratio in the nodes after it become the usual ones for the kind, near the "
                        "paper's Table 8; change them as you like."
                    ),
                ),
                io.String.Input(
                    "contexts",
                    multiline=True,
                    default="",
                    tooltip=(
                        "Your own contexts (places, persons or objects), one a line. Left empty, "
                        f"the first {DEFAULT_CONTEXT_COUNT} of the paper's table for the kind "
                        "(adults only for explicit content). "
                        "More contexts make a steadier mask and take longer."
                    ),
                ),
                io.String.Input(
                    "concept_templates",
                    multiline=True,
                    default="",
                    tooltip=(
                        "Your own prompts with {concept} and {context}, one a line, used in turn "
                        "over the contexts. Left empty, the paper's for the kind."
                    ),
                ),
                io.String.Input(
                    "base_template",
                    default="",
                    tooltip=(
                        "Your own prompt without the concept, with {context} alone. "
                        "Left empty, the paper's for the kind."
                    ),
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=LARGEST_SEED,
                    control_after_generate=False,
                    tooltip="Of the noise that all prompts start from; one seed gives one mask.",
                ),
                io.Int.Input(
                    "steps",
                    default=50,
                    min=1,
                    max=10000,
                    tooltip="Steps of the whole schedule, of which only the first are run.",
                ),
                io.Int.Input(
                    "profile_steps",
                    default=10,
                    min=1,
                    max=10000,
                    tooltip="How many of the first (noisiest) steps are run and recorded.",
                ),
                io.Float.Input(
                    "cfg",
                    default=7.5,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Guidance scale; the negative prompt is empty.",
                ),
                io.Combo.Input(
                    "sampler",
                    options=comfy.samplers.KSampler.SAMPLERS,
                    default="euler",
                    tooltip=(
                        "Any that follows the schedule, such as euler; one that adds noise adds "
                        "the same to all prompts. Samplers that choose their own steps are refused."
                    ),
                ),
                io.Combo.Input(
                    "scheduler",
                    options=comfy.samplers.KSampler.SCHEDULERS,
                    default="normal",
                    tooltip="Gives the noise levels of the steps.",
                ),
                *(
                    io.Int.Input(
                        side,
                        default=512,
                        min=16,
                        max=LARGEST_SIDE,
                        step=8,
                        tooltip=SIDE_TOOLTIP,
                    )
                    for side in ("width", "height")
                ),
                io.Int.Input(
                    "batch_size",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip=(
                        "Prompts in one call of the denoiser; 0 chooses by free memory. "
                        "Changes speed and memory, not the result."
                    ),
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
        return with_advanced(schema, *ADVANCED)

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        clip: CLIP | None,
        concepts: str,
        kind: str,
        contexts: str,
        concept_templates: str,
        base_template: str,
        seed: int,
        steps: int,
        profile_steps: int,
        cfg: float,
        sampler: str,
        scheduler: str,
        width: int,
        height: int,
        batch_size: int,
        temporal_sparsity: float,
        saliency_form: str,
        use_cache: bool = True,
    ) -> io.NodeOutput:
        require_choice("saliency_form", saliency_form, SALIENCY_FORMS)
        numbers = {"seed": seed, "steps": steps, "profile_steps": profile_steps, "cfg": cfg}
        numbers |= {"width": width, "height": height, "batch_size": batch_size}
        require_ranges(cls, **numbers, temporal_sparsity=temporal_sparsity)
        request = ProfileRequest(
            concepts=_concepts(concepts),
            kind=kind,
            contexts=_contexts(contexts, kind),
            templates=_templates(concept_templates, base_template, kind),
            sampling=SamplingSettings(
                seed, steps, profile_steps, cfg, sampler, scheduler, width, height
            ),
            temporal_sparsity=fraction(temporal_sparsity),
            saliency_form=saliency_form,
            chunk=batch_size,
        )
        cache = host_cache() if use_cache else None
        return io.NodeOutput(profile_concepts(model, clip, request, cache, cls.hidden.unique_id))


def _lines(text: str) -> tuple[str, ...]:
    """The lines of ``text`` that hold something, without surrounding blanks."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _concepts(text: str) -> tuple[str, ...]:
    concepts = _lines(text)
    if not concepts:
        raise ValueError("concepts: there are none. Write at least one, one a line.")
    _require_distinct("concepts", concepts)
    return concepts


def _require_distinct(name: str, texts: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for text in texts:
        words = same_words(text)
        if words in seen:
            raise ValueError(f"{name}: {text!r} is there twice. Leave one of them out.")
        seen.add(words)


def _contexts(text: str, kind: str) -> tuple[str, ...]:
    if text == "":
        return default_contexts(kind)[:DEFAULT_CONTEXT_COUNT]
    contexts = _lines(text)
    if len(contexts) < LEAST_BASE_PROMPTS:
        raise ValueError(
            f"contexts: {text!r} holds {len(contexts)}, at least {LEAST_BASE_PROMPTS} are needed "
            "to tell a concept from its surroundings. Write one a line, or clear the field for the "
            "paper's contexts."
        )
    _require_distinct("contexts", contexts)
    return contexts


def _templates(concept: str, base: str, kind: str) -> PromptTemplates:
    paper = default_templates(kind)
    return PromptTemplates(_lines(concept) or paper.concept, base.strip() or paper.base)
