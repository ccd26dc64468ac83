"""Judges of the bundled model's pictures: two networks, a third that asks whether anything is
there, and the distance between pixels.

The first network names one object of a picture, or nothing, and its style, or plain; the second
decides for every object by itself, so it finds both objects of a scene with two.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from benchmarks.harness.judge import Judge, Look, resized
from benchmarks.harness.shots import Shot
from demo_model.judge import NOTHING, PLAIN, SIDE, load_judge
from demo_model.vocabulary import OBJECTS, STYLES

from .networks.transformer import load_transformer

SOMETHING = "something"
PRESENCE = Path(__file__).parent / "networks" / "presence.safetensors"
OBJECT_NAMES, STYLE_NAMES = (*OBJECTS, NOTHING), (*STYLES, PLAIN)


def look_for_object(
    name_objects: Callable[[Tensor], Sequence[str | set[str]]], wanted: str = ""
) -> Look:
    """Is the object that was asked for, or ``wanted``, among those that a network names, or is
    there none?"""

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        named = name_objects(resized(pictures, SIDE))
        found = [{one} if isinstance(one, str) else one or {NOTHING} for one in named]
        return [
            float((wanted or shot.object) in names)
            for names, shot in zip(found, shots, strict=True)
        ]

    return look


def look_for_anything() -> Look:
    """Is anything there but a scene? Trained at commit 7996ec5, on drawings of 120 other things."""
    judge = load_judge((SOMETHING,), STYLES, PRESENCE)

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        return [float(it == SOMETHING) for it in judge.name_objects(resized(pictures, SIDE))]

    return look


def look_for_style(name_styles: Callable[[Tensor], Sequence[str]]) -> Look:
    """Is the picture in the style that was asked for, or plain?"""

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        named = name_styles(resized(pictures, SIDE))
        return [float(name == shot.style) for name, shot in zip(named, shots, strict=True)]

    return look


def pixel_distance(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
    """How far a picture is from the base model's: mean absolute difference, 0 … 1."""
    assert before is not None  # it compares
    return (pictures - before).abs().mean((1, 2, 3)).tolist()


JUDGES = {
    "demo_objects": Judge(
        "the bundled judge, objects",
        "object",
        lambda: look_for_object(load_judge(tuple(OBJECTS), STYLES).name_objects),
        OBJECT_NAMES,
    ),
    "demo_styles": Judge(
        "the bundled judge, styles",
        "style",
        lambda: look_for_style(load_judge(tuple(OBJECTS), STYLES).name_styles),
        STYLE_NAMES,
    ),
    "transformer_objects": Judge(
        "the second judge, objects",
        "object",
        lambda: look_for_object(load_transformer(tuple(OBJECTS), STYLES).name_objects),
        OBJECT_NAMES,
    ),
    "bananas": Judge(
        "a banana there, the bundled judge",
        "picture",
        lambda: look_for_object(load_judge(tuple(OBJECTS), STYLES).name_objects, "banana"),
    ),
    "transformer_bananas": Judge(
        "a banana there, the second judge",
        "picture",
        lambda: look_for_object(load_transformer(tuple(OBJECTS), STYLES).name_objects, "banana"),
    ),
    "presence": Judge("something there", "picture", look_for_anything),
    "pixel_distance": Judge(
        "mean pixel distance to the base model",
        "picture",
        lambda: pixel_distance,
        compares=True,
    ),
}
