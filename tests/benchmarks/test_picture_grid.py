"""The grid shows the pictures that a suite has drawn, none picked."""

from typing import Any

import pytest
from measured import paint
from PIL import Image

from benchmarks.harness.picture_grid import SIDE, picture_grid
from benchmarks.harness.picture_sets import picture_file
from benchmarks.harness.places import Places
from benchmarks.harness.runner import plan
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite

INK = {"base": (250, 0, 0), "fia": (0, 250, 0), "weak": (0, 0, 250)}


def drawn(suite: Suite, places: Places) -> Suite:
    """With a picture of its method's colour for every prompt."""
    paint(suite, places, lambda label, _: Image.new("RGB", (128, 128), INK[label]))
    return suite


def tiles(grid: Image.Image) -> dict[str, float]:
    """How many pictures of each method a grid shows."""
    counts = {colour: count for count, colour in grid.getcolors(1 << 20) or []}
    return {label: counts.get(ink, 0) / SIDE**2 for label, ink in INK.items()}


def test_every_prompt_and_condition_that_asks_for_one_concept(
    content: dict[str, Any], places: Places
) -> None:
    asked = {
        "grid": "church",
        "forgotten_scenes": 2,
        "prompts": ["a photo of {object} in {scene}", "{object} near {scene}"],
        "conditions": [{"name": "few steps", "steps": 4}, {"name": "more steps", "steps": 8}],
    }
    suite = drawn(parse_suite("small", content | asked), places)
    assert tiles(picture_grid(suite, places)) == {"base": 8, "fia": 8, "weak": 8}


def test_a_picture_of_each_concept_of_the_first_group(
    content: dict[str, Any], places: Places
) -> None:
    groups = [{"name": "two", "concepts": ["church", "cat"]}, *content["groups"]]
    suite = drawn(parse_suite("small", content | {"groups": groups}), places)
    assert tiles(picture_grid(suite, places)) == {"base": 3, "fia": 3, "weak": 3}


def test_what_each_group_forgets_and_keeps_and_no_method_that_lacks_one(
    suite: Suite, places: Places
) -> None:
    """Three groups of one concept each."""
    drawn(suite, places)
    assert tiles(picture_grid(suite, places)) == {"base": 6, "fia": 6, "weak": 6}
    some = picture_grid(suite, places, ["base", "weak"])
    assert tiles(some) == {"base": 6, "fia": 0, "weak": 6}
    with pytest.raises(ValueError, match="'fiaa'"):
        picture_grid(suite, places, ["fiaa"])
    first = next(task for task in plan(suite) if task.entry.label == "weak")
    picture_file(suite, places, first.entry, suite.groups[0], first.shots[0]).unlink()
    assert tiles(picture_grid(suite, places)) == {"base": 6, "fia": 6, "weak": 0}


def test_without_pictures_the_command_that_draws_them_is_named(
    suite: Suite, places: Places
) -> None:
    with pytest.raises(ValueError, match=r"small: .*python3 benchmarks/run\.py small"):
        picture_grid(suite, places)
