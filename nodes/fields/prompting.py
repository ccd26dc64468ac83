"""Fields of the dialogs that ask for prompts, and the request that they make."""

import comfy.samplers
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ...fia_core import (
    DEFAULT_CONTEXT_COUNT,
    KINDS,
    PromptTemplates,
    default_contexts,
    default_templates,
)
from ...fia_core.files.values import same_words
from ..host.denoising.request import AUTOMATIC, PromptRequest, SamplingSettings, filled_in
from ..host.model.preferences import Preferences, preferences
from .shared import require_ranges

ADVANCED = (
    *("contexts", "concept_templates", "base_template"),
    *("seed", "steps", "profile_steps", "cfg", "sampler", "scheduler"),
    *("width", "height", "batch_size"),
)
"""Names of the fields that a page folds away."""

LARGEST_SEED = 0xFFFFFFFFFFFFFFFF
LEAST_SIDE, LARGEST_SIDE = 16, 16384
SIDE_TOOLTIP = (
    "Of the pictures in pixels; 0: as the model wants, such as 512 for SD 1.5 and 1024 for SDXL, "
    "Flux and Z-Image."
)
LEAST_BASE_PROMPTS = 2  # the deviation over one prompt is 0


def clip_input() -> io.Clip.Input:
    return io.Clip.Input("clip", tooltip="The text encoder that belongs to the model.")


def concepts_input(more: str = "") -> io.String.Input:
    """The field **concepts**.

    Args:
        more: of its tooltip, in one node alone.
    """
    return io.String.Input(
        "concepts",
        multiline=True,
        default="church",
        tooltip=(
            "What to forget, one concept a line (commas do not separate them), all of one kind. "
            "Object: a noun (a church in a road). Explicit content: an adjective (a photo of a "
            "naked man). Art style: its name (a cat in the style of Van Gogh)." + more
        ),
    )


def prompt_inputs(more: str = "") -> list[io.Input]:
    """**kind** and the fields after it.

    Args:
        more: of the tooltip of **kind**, in one node alone.
    """
    return [
        io.Combo.Input(
            "kind",
            options=list(KINDS),
            default=KINDS[0],
            tooltip=("What sort of concepts these are; sets the contexts and templates." + more),
        ),
        io.String.Input(
            "contexts",
            multiline=True,
            default="",
            tooltip=(
                "Your own contexts (places, persons or objects), one a line. Left empty, "
                f"the first {DEFAULT_CONTEXT_COUNT} of the paper's table for the kind "
                "(adults only for explicit content). "
                "More contexts make a steadier result and take longer."
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
            tooltip="Seed of the starting noise, the same for all prompts.",
        ),
        io.Int.Input(
            "steps",
            default=0,
            min=0,
            max=10000,
            tooltip=(
                "Steps of the whole schedule, of which only the first are run; 0: as the model "
                "wants."
            ),
        ),
        io.Int.Input(
            "profile_steps",
            default=0,
            min=0,
            max=10000,
            tooltip=(
                "How many of the first (noisiest) steps are run and recorded; 0: a fifth of them, "
                "as in the paper, and at least 2."
            ),
        ),
        io.Float.Input(
            "cfg",
            default=0.0,
            min=0.0,
            max=100.0,
            step=0.1,
            round=0.01,
            tooltip=(
                "Guidance scale; 0: as the model wants, 1 for Turbo, Lightning and other models "
                "of few steps. The negative prompt is empty."
            ),
        ),
        io.Combo.Input(
            "sampler",
            options=[AUTOMATIC, *comfy.samplers.KSampler.SAMPLERS],
            default=AUTOMATIC,
            tooltip=(
                "automatic: as the model wants. Any that follows the schedule, such as euler; one "
                "that adds noise adds the same to all prompts. One that leaves out a step is "
                "refused."
            ),
        ),
        io.Combo.Input(
            "scheduler",
            options=[AUTOMATIC, *comfy.samplers.KSampler.SCHEDULERS],
            default=AUTOMATIC,
            tooltip="Gives the noise levels of the steps; automatic: as the model wants.",
        ),
        *(
            io.Int.Input(
                side,
                default=0,
                min=0,
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
                "Prompts in one call of the denoiser; 0 leaves it to the node. "
                "Changes speed and memory, not the result."
            ),
        ),
    ]


def read_request(
    node: type[io.ComfyNode],
    model: ModelPatcher,
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
) -> PromptRequest:
    """The request that the fields of ``node`` make, with what ``model`` wants where they leave it
    to the node.

    Raises:
        ValueError: names the field.
    """
    numbers = {"seed": seed, "steps": steps, "profile_steps": profile_steps, "cfg": cfg}
    require_ranges(node, **numbers, width=width, height=height, batch_size=batch_size)
    _require_sides(width=width, height=height)
    written = SamplingSettings(seed, steps, profile_steps, cfg, sampler, scheduler, width, height)
    wanted = preferences(model)
    sampling = filled_in(written, wanted)
    return PromptRequest(
        concepts=read_concepts(concepts),
        kind=kind,
        contexts=_contexts(contexts, kind),
        templates=_templates(concept_templates, base_template, kind),
        sampling=sampling,
        chunk=batch_size,
        chosen="" if sampling == written else _in_words(sampling, wanted),
    )


def _require_sides(**sides: int) -> None:
    """Raise ValueError for a side that is neither left to the node nor a picture's."""
    for name, side in sides.items():
        if 0 < side < LEAST_SIDE:
            raise ValueError(
                f"{name}: is {side}; give 0, as the model wants, or a number from {LEAST_SIDE} to "
                f"{LARGEST_SIDE}."
            )


def _in_words(sampling: SamplingSettings, wanted: Preferences) -> str:
    """One line for people."""
    return (
        f"{sampling.width} × {sampling.height}, {sampling.steps} steps, "
        f"guidance {sampling.cfg:g}: {wanted.family}"
    )


def lines(text: str) -> tuple[str, ...]:
    """The lines of ``text`` that hold something, without surrounding blanks."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def read_concepts(text: str) -> tuple[str, ...]:
    concepts = lines(text)
    if not concepts:
        raise ValueError("concepts: there are none. Write at least one, one a line.")
    require_distinct("concepts", concepts)
    return concepts


def require_distinct(name: str, texts: tuple[str, ...]) -> None:
    """Raise ValueError where a text is there twice."""
    seen: set[str] = set()
    for text in texts:
        words = same_words(text)
        if words in seen:
            raise ValueError(f"{name}: {text!r} is there twice. Leave one of them out.")
        seen.add(words)


def _contexts(text: str, kind: str) -> tuple[str, ...]:
    if text == "":
        return default_contexts(kind)[:DEFAULT_CONTEXT_COUNT]
    contexts = lines(text)
    if len(contexts) < LEAST_BASE_PROMPTS:
        raise ValueError(
            f"contexts: {text!r} holds {len(contexts)}, at least {LEAST_BASE_PROMPTS} are needed "
            "to tell a concept from its surroundings. Write one a line, or clear the field for the "
            "paper's contexts."
        )
    require_distinct("contexts", contexts)
    return contexts


def _templates(concept: str, base: str, kind: str) -> PromptTemplates:
    paper = default_templates(kind)
    return PromptTemplates(lines(concept) or paper.concept, base.strip() or paper.base)
