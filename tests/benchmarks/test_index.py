"""The page of all results: what it says of one suite."""

from typing import Any

import pytest

from benchmarks.harness.index import against_peers, behind_lines, suite_lines
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


def test_a_line_says_what_was_found_before_and_after(content: dict[str, Any]) -> None:
    suite = parse_suite("small", content | {"groups": content["groups"][:1]})
    rows = [
        Row(Origin("v", task.entry.label, "s", group, task.origin.concepts), shot, judge, value, 0)
        for task in plan(suite)
        for group in [task.group.name if task.group else ""]
        for shot in task.shots
        for judge in suite.judges
        for value in [float(not group or shot.object != "church")]
    ]
    assert suite_lines(suite, rows, "ahead: all") == [
        "| [small](small.md) | one | 100.0 → 0.0 ± 0.0 | 100.0 → 100.0 ± 0.0 | 100.0 ± 0.0 "
        "| ahead: all |"
    ]


def test_a_peer_counts_in_the_setting_that_leaves_the_reference_the_least_ahead(
    content: dict[str, Any],
) -> None:
    peers = [{"use": "uce"}, {"use": "uce", "label": "UCE, better"}, {"use": "sld"}]
    suite = parse_suite("small", content | {"methods": [*content["methods"], *peers]})
    zeros, ones = [0.0] * 10, [1.0] * 10
    seeds = list(range(10))
    far, equal = signed_rank(ones, zeros, seeds), signed_rank(ones, ones, seeds)
    tests = corrected({"weak": equal, "uce": far, "UCE, better": equal, "sld": far})
    assert against_peers(suite, tests) == "ahead: SLD; equal: UCE"
    few = signed_rank([1.0], [0.0], [1])
    assert against_peers(suite, corrected({"sld": few})) == ""
