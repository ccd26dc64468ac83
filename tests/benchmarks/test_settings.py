"""What every setting leaves and keeps, by hand."""

from math import isnan
from typing import Any

import pytest
from measured import measured

from benchmarks.analysis.settings import harmonic_mean, margin, setting_tables
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import Suite
from demo_model.vocabulary import with_article

OBJECTS = "demo_objects"


def seen(method: str, object: str, seed: int, value: float, scene: str) -> Any:
    prompt = f"a photo of {with_article(object)} in {with_article(scene)}"
    shot = Shot(object, scene, "", prompt, seed)
    return (method, "" if method == "base" else "one", shot, OBJECTS, value)


def test_shares_are_of_the_same_shots_as_the_base_models(suite: Suite) -> None:
    found = measured(
        suite,
        [
            *(seen("base", "church", 1, 1, scene) for scene in ("beach", "ocean", "desert")),
            seen("base", "cat", 1, 1, "desert"),
            seen("base", "car", 1, 1, "beach"),
            seen("base", "car", 1, 0, "ocean"),  # the group does not ask this
            seen("fia", "church", 1, 1, "beach"),
            seen("fia", "church", 1, 0, "ocean"),  # the third scene was not drawn yet
            seen("fia", "cat", 1, 1, "desert"),
            seen("fia", "car", 1, 0, "beach"),
            seen("fia", "car", 1, 0, "ocean"),
        ],
    )
    heading, table, *_ = setting_tables(found)
    assert heading == "## One"
    assert "in percent; 3 (± 56) and 2 (± 66) a setting." in table
    assert table.splitlines()[-2:] == [
        "| base model | 100.0 · 100.0 | 0.0 | – | – |",
        "| FIA, exact Eq. 1 | 50.0 · 50.0 | 50.0 | cached | – |",
    ]


@pytest.mark.parametrize(
    ("forgotten", "kept", "before", "mean"),
    [
        (0.5, 0.5, 1.0, 0.5),
        (0.0, 0.5, 1.0, 2 / 3),
        (0.0, 1.0, 0.5, 1.0),  # more than before counts as all
        (1.0, 1.0, 1.0, 0.0),
        (1.0, 0.0, 1.0, 0.0),
    ],
)
def test_a_harmonic_mean_is_of_what_is_gone_and_of_what_stayed(
    forgotten: float, kept: float, before: float, mean: float
) -> None:
    assert harmonic_mean(forgotten, kept, before) == pytest.approx(mean)
    assert isnan(harmonic_mean(forgotten, kept, 0.0)) and isnan(harmonic_mean(0, 1, float("nan")))


def test_a_margin_is_wilsons() -> None:
    """The upper end of the interval of no picture in n: z² / (n + z²)."""
    assert margin(20) == pytest.approx(16.113, abs=1e-3)
    assert margin(115) == pytest.approx(3.232, abs=1e-3)
