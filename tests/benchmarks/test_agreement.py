"""Two judges' answers compared: numbers by hand, and the table of a suite with two judges."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.harness.agreement import agreement, agreement_table, judge_pairs
from benchmarks.harness.ledger import Origin, Row
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite_file import parse_suite


def test_kappa_of_a_table_by_hand() -> None:
    answers = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    found = agreement(answers)
    assert (found.pictures, found.first, found.second, found.equal) == (50, 0.5, 0.6, 0.7)
    assert found.kappa == pytest.approx(0.4)  # chance agrees on 0.5 · 0.6 + 0.5 · 0.4 = 0.5


def test_kappa_is_one_zero_below_zero_or_none() -> None:
    assert agreement([(1, 1), (0, 0)]).kappa == 1
    assert agreement([(1, 1), (1, 0), (0, 1), (0, 0)]).kappa == 0
    assert agreement([(1, 0), (0, 1)]).kappa == -1
    assert agreement([(1, 1), (1, 1)]).kappa is None
    assert agreement([(1, 1), (0, 1)]).kappa is None, "the second always says 1"
    with pytest.raises(ValueError, match="answers: are empty"):
        agreement([])


def test_only_judges_of_the_same_thing_make_pairs(content: dict[str, Any]) -> None:
    judges = ["demo_objects", "demo_styles", "pixel_distance", "transformer_objects"]
    suite = parse_suite("small", content | {"judges": judges})
    assert list(judge_pairs(suite)) == [("demo_objects", "transformer_objects")]


def test_the_table_tells_the_base_model_what_was_forgotten_and_what_should_stay(
    content: dict[str, Any],
) -> None:
    judges = ("demo_objects", "transformer_objects")
    suite = parse_suite("small", content | {"judges": list(judges)})
    base, fia = Origin("v", "base", "s", "", ()), Origin("v", "fia", "s", "one", ("church",))
    church, cat = (Shot(name, "beach", "", name, 1) for name in ("church", "cat"))
    asked = [(base, church, 1, 1), (base, cat, 1, 1), (fia, church, 0, 1), (fia, cat, 1, 1)]
    rows = [
        Row(origin, shot, judge, value, 1.0)
        for origin, shot, *values in asked
        for judge, value in zip(judges, values, strict=True)
    ]
    only_one_saw = replace(rows[0], shot=replace(church, seed=2))
    lines = agreement_table(suite, [*rows, only_one_saw], *judges).splitlines()[4:]
    assert lines == [
        "| all pictures | 4 | 75.0 | 100.0 | 75.0 | – |",
        "| the base model's | 2 | 100.0 | 100.0 | 100.0 | – |",
        "| of what was forgotten | 1 | 0.0 | 100.0 | 0.0 | – |",
        "| of what should stay | 1 | 100.0 | 100.0 | 100.0 | – |",
    ]
    assert agreement_table(suite, rows[:1], *judges) == ""
