"""The grid shows the pictures that a suite has drawn, none picked."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.harness import places as places_module
from benchmarks.harness.picture_grid import SIDE, picture_grid
from benchmarks.harness.picture_sets import picture_file
from benchmarks.harness.places import Places
from benchmarks.harness.runner import plan
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite

INK = {"base": (250, 0, 0), "fia": (0, 250, 0), "weak": (0, 0, 250)}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr(places_module, "ROOT", tmp_path)
    return Places("small")


def drawn(content: dict[str, Any], places: Places) -> Suite:
    """The small suite with a picture of its method's colour for every prompt."""
    suite = parse_suite("small", content)
    for task in plan(suite):
        for shot in task.shots:
            path = places.picture(task.origin, shot)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (128, 128), INK[task.entry.label]).save(path)
    return suite


def tiles(grid: Image.Image) -> dict[str, float]:
    """How many pictures of each method a grid shows."""
    counts = {colour: count for count, colour in grid.getcolors(1 << 20) or []}
    return {label: counts.get(ink, 0) / SIDE**2 for label, ink in INK.items()}


def test_a_picture_a_method_of_each_concept_of_the_first_group(
    content: dict[str, Any], places: Places
) -> None:
    assert tiles(picture_grid(drawn(content, places), places)) == {"base": 3, "fia": 3, "weak": 3}


def test_every_prompt_and_condition_that_asks_for_one_concept(
    content: dict[str, Any], places: Places
) -> None:
    asked = {
        "grid": "church",
        "forgotten_scenes": 2,
        "prompts": ["a photo of {object} in {scene}", "{object} near {scene}"],
        "conditions": [{"name": "few steps", "steps": 4}, {"name": "more steps", "steps": 8}],
    }
    suite = drawn(content | asked, places)
    assert tiles(picture_grid(suite, places)) == {"base": 8, "fia": 8, "weak": 8}


def test_a_method_with_a_picture_missing_is_left_out(
    content: dict[str, Any], places: Places
) -> None:
    suite = drawn(content, places)
    first = next(task for task in plan(suite) if task.entry.label == "weak")
    picture_file(suite, places, first.entry, suite.groups[0], first.shots[0]).unlink()
    assert tiles(picture_grid(suite, places)) == {"base": 3, "fia": 3, "weak": 0}


def test_without_pictures_the_command_that_draws_them_is_named(
    content: dict[str, Any], places: Places
) -> None:
    suite = parse_suite("small", content)
    with pytest.raises(ValueError, match=r"small: .*python3 benchmarks/run\.py small"):
        picture_grid(suite, places)
