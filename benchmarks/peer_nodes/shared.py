"""What the peers' dialogs have in common: the category, common inputs and lists of texts."""

from comfy.sd import CLIP
from comfy_api.latest import io

CATEGORY = "Forget It All/benchmarks"
LARGEST_SEED = 0xFFFFFFFFFFFFFFFF
LARGEST_SIDE = 16384
PLACEHOLDER = "{concept}"


def model_input() -> io.Model.Input:
    return io.Model.Input("model", tooltip="The model that is to forget. It stays as it is.")


def clip_input() -> io.Clip.Input:
    return io.Clip.Input("clip", tooltip="The text encoder that belongs to the model.")


def concepts_input() -> io.String.Input:
    return io.String.Input(
        "concepts", multiline=True, default="church", tooltip="What to forget, one concept a line."
    )


def templates_input(default: str) -> io.String.Input:
    return io.String.Input(
        "templates",
        multiline=True,
        default=default,
        tooltip=f"Prompts in which each concept is put, one a line, with {PLACEHOLDER}.",
    )


def seed_input() -> io.Int.Input:
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=LARGEST_SEED,
        control_after_generate=False,
        tooltip="Of all random numbers; one seed gives one result.",
    )


def side_input(name: str) -> io.Int.Input:
    return io.Int.Input(
        name,
        default=512,
        min=16,
        max=LARGEST_SIDE,
        step=8,
        tooltip="Of the pictures in pixels; use the size that the model was made for.",
    )


def changed_model_output() -> io.Model.Output:
    return io.Model.Output(display_name="model", tooltip="The model that forgot.")


def lines(text: str) -> tuple[str, ...]:
    """The lines of ``text`` that hold something, without surrounding blanks."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def required_lines(name: str, text: str) -> tuple[str, ...]:
    """The lines of ``text``; raises ValueError where there are none."""
    found = lines(text)
    if not found:
        raise ValueError(f"{name}: there are none. Write at least one, one a line.")
    return found


def required_templates(text: str) -> tuple[str, ...]:
    """The templates of a dialog; raises ValueError where one lacks the placeholder."""
    templates = required_lines("templates", text)
    for template in templates:
        if PLACEHOLDER not in template:
            raise ValueError(f"templates: {template!r} has no {PLACEHOLDER}. Put it in.")
    return templates


def fill(template: str, concept: str) -> str:
    """``template`` with the concept in its place."""
    return template.replace(PLACEHOLDER, concept)


def require_clip(clip: CLIP | None) -> None:
    """Raise ValueError where a checkpoint without a text encoder is connected."""
    if clip is None:
        raise ValueError(
            "clip: None, the checkpoint has no text encoder. "
            "Load one with Load CLIP and connect it."
        )
