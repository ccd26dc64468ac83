"""The page of all results: what it says of one suite."""

from typing import Any

import pytest

from benchmarks.harness.index import behind_lines, suite_lines
from benchmarks.harness.ledger import Origin, Row
from benchmarks.harness.runner import plan
from benchmarks.harness.significance import corrected, signed_rank
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite

SEEDS = [1, 2, 3, 4, 5, 6]


@pytest.fixture
def suite(content: dict[str, Any]) -> Suite:
    return parse_suite("small", content)


def test_what_is_better_at_every_seed_or_by_the_test_is_named(suite: Suite) -> None:
    better = signed_rank([0.0] * 6, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], SEEDS)
    lines = behind_lines(suite, "harmonic mean", corrected({"weak": better}))
    assert lines == [
        "- [small](small.md), harmonic mean: weak by 35.00 points; 6 pairs, behind, Holm p 0.031; "
        "FIA ahead at 0 of 6 seeds"
    ]
    few = signed_rank([0.0] * 5, [0.1, 0.2, 0.3, 0.4, 0.5], SEEDS[:5])
    assert "too few pairs" in behind_lines(suite, "", corrected({"weak": few}))[0]
    too_few = signed_rank([0.0] * 2, [0.1, 0.2], SEEDS[:2])
    assert not behind_lines(suite, "", corrected({"weak": too_few}))
    mixed = signed_rank([0.0] * 3, [0.1, 0.2, -0.3], SEEDS[:3])
    assert not behind_lines(suite, "", corrected({"weak": mixed}))


def test_learned_embeddings_have_a_line_of_their_own(content: dict[str, Any]) -> None:
    content["prompts"] = ["a photo of {object} in {scene}", "{learned} in {scene}"]
    content["attack"] = {"concepts": ["church"]}
    suite = parse_suite("small", content | {"groups": content["groups"][:1]})
    rows = [
        Row(Origin("v", task.entry.label, "s", group, task.origin.concepts), shot, judge, value, 0)
        for task in plan(suite)
        for group in [task.group.name if task.group else ""]
        for shot in task.shots
        for judge in suite.judges
        for value in [float(not group or shot.object != "church" or "<" in shot.prompt)]
    ]
    every, learned = suite_lines(suite, rows, "3 ahead")
    assert every.startswith("| [small](small.md) | one | 50.0 ± 0.0 |")
    assert every.endswith("| 3 ahead |")
    assert learned.startswith(
        "| [small](small.md) | one: of these, learned embeddings | 100.0 ± 0.0 |"
    )
    assert learned.endswith("|  |")
