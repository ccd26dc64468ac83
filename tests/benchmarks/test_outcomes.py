"""A method is compared with the base model on the shots that both answered."""

from dataclasses import replace
from math import isnan
from typing import Any

import pytest

from benchmarks.harness.comparisons import change_comparisons
from benchmarks.harness.ledger import Origin, Row
from benchmarks.harness.outcomes import Answered, Outcome, Spread, outcomes, over_seeds
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite
from benchmarks.harness.tables import accuracy_table
from demo_model.vocabulary import with_article


@pytest.fixture
def suite(content: dict[str, Any]) -> Suite:
    return parse_suite("small", content)


def row(method: str, object: str, seed: int, value: float, scene: str) -> Row:
    group = "" if method == "base" else "one"
    prompt = f"a photo of {with_article(object)} in {with_article(scene)}"
    shot = Shot(object, scene, "", prompt, seed)
    return Row(Origin("v", method, "s", group, ("church",)), shot, "demo_objects", value, 1.0)


def test_shares_are_of_the_same_shots_seed_by_seed(suite: Suite) -> None:
    rows = [
        *(row("base", "church", 1, 1, scene) for scene in ("beach", "ocean", "desert")),
        row("base", "cat", 1, 1, "desert"),
        row("base", "car", 1, 1, "beach"),
        row("base", "car", 1, 0, "ocean"),  # the group does not ask this
        row("base", "church", 2, 1, "beach"),
        row("base", "cat", 2, 0, "beach"),
        row("fia", "church", 1, 1, "beach"),
        row("fia", "church", 1, 0, "ocean"),  # the third scene was not drawn yet
        row("fia", "cat", 1, 1, "desert"),
        row("fia", "car", 1, 0, "beach"),
        row("fia", "car", 1, 0, "ocean"),
        row("fia", "church", 2, 0, "beach"),
        row("fia", "cat", 2, 1, "beach"),
    ]
    first, second = outcomes(suite, Answered(rows, "demo_objects"), "fia", suite.groups[0])
    assert first == Outcome("one", 1, "", 1.0, 0.5, 1.0, 0.5, 2, 2)
    assert first.kept_share == 0.5 and first.harmonic_mean == 0.5
    assert second == Outcome("one", 2, "", 1.0, 0.0, 0.0, 1.0, 1, 1)
    assert isnan(second.kept_share) and isnan(second.harmonic_mean), "nothing could be kept"


def test_a_table_says_how_many_pictures_a_figure_rests_on(suite: Suite) -> None:
    asked = (("church", "beach"), ("church", "ocean"), ("cat", "desert"))
    rows = [row(method, name, 1, 1, scene) for method in ("base", "fia") for name, scene in asked]
    table = accuracy_table(suite, Answered(rows, "demo_objects"), suite.groups[:1])
    assert table.splitlines()[-1].endswith("| 2 (66) + 1 (79) |")


def test_another_judge_is_another_table(suite: Suite) -> None:
    asked = (("church", "beach"), ("cat", "desert"))
    rows = [row(method, name, 1, 1, scene) for method in ("base", "fia") for name, scene in asked]
    assert outcomes(suite, Answered(rows, "demo_objects"), "fia", suite.groups[0])
    assert not outcomes(suite, Answered(rows, "demo_styles"), "fia", suite.groups[0])


def test_a_kept_share_above_one_counts_as_one() -> None:
    assert Outcome("one", 1, "", 1.0, 0.0, 0.5, 1.0, 2, 2).harmonic_mean == 1


def test_groups_are_averaged_within_a_seed_and_seeds_make_the_deviation() -> None:
    found = [
        Outcome("one", seed, "", 1, gone, 1, 1, 2, 2) for seed, gone in ((1, 0), (1, 1), (2, 1))
    ]
    spread = over_seeds(found, lambda one: one.forgotten)
    assert spread.by_seed == (0.5, 1)
    assert spread.percent() == "75.0 ± 35.4"
    assert Spread((0.5,)).percent() == "50.0 ± 0.0"


def test_what_is_known_of_no_seed_is_a_dash_and_of_some_seeds_their_mean() -> None:
    found = [Outcome("one", seed, "", 1, 0, before, 1, 2, 2) for seed, before in ((1, 0), (2, 1))]
    assert over_seeds(found, lambda one: one.kept_share).by_seed == (1,)
    assert over_seeds(found[:1], lambda one: one.kept_share).percent() == "–"


def test_the_method_that_moves_kept_pictures_less_is_ahead(suite: Suite) -> None:
    rows = []
    for method, distance in (("base", 0.0), ("fia", 0.01), ("weak", 0.03)):
        for seed in suite.seeds:
            seen = row(method, "cat", seed, 1, "desert" if seed == 1 else "beach")
            rows.append(replace(seen, judge="pixel_distance", value=distance))
    tests = change_comparisons(suite, Answered(rows, "pixel_distance"))
    assert tests["weak"].difference == pytest.approx(0.02)
    assert (tests["weak"].seeds_ahead, tests["weak"].seeds) == (2, 2)
