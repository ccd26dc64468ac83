"""Goals of a suite: which can be written, and what rows say of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.harness.goals import Line, goal_lines
from benchmarks.harness.ledger import Origin, Row
from benchmarks.harness.runner import PREPARATION, plan
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import SuiteError
from benchmarks.harness.suite_file import parse_suite

Content = dict[str, Any]


def lines(
    content: Content,
    found: dict[str, dict[str, float]],
    *goals: Content,
    seeds: Sequence[int] = range(8),
) -> list[Line]:
    """Of rows in which a judge finds this share of a method's pictures of what was forgotten, else
    none, and of all others, else all; seeds at which they are found come first."""
    suite = parse_suite("small", content | {"goals": list(goals), "seeds": list(seeds)})
    rows = []
    for task in plan(suite):
        for shot in task.shots:
            for judge in suite.judges:
                share = found.get(task.entry.label, {}).get(judge, 1.0)
                if task.group and shot.object in task.group.concepts:
                    share = found.get(task.entry.label, {}).get(f"{judge}, forgotten", 0.0)
                group = task.group.name if task.group else ""
                origin = Origin("v", task.entry.label, "s", group, task.origin.concepts)
                rows.append(Row(origin, shot, judge, float(shot.seed < 8 * share), 1.0))
    return goal_lines(suite, rows)


def test_a_bound_is_of_the_group_that_is_furthest_from_it(content: Content) -> None:
    goals = (
        {"figure": "forgotten", "most": 10.0},
        {"figure": "kept_share", "least": 95},
        {"figure": "kept_share", "least": 50, "groups": ["alone"]},
    )
    found = {"fia": {"demo_objects": 0.75}}
    forgotten, kept, some = lines(content, found, *goals)
    assert forgotten == ("accuracy on what was forgotten at most 10 %", "0.0 ± 0.0 (one)", "met")
    assert kept == ("kept share at least 95 %", "75.0 ± 46.3 (one)", "missed")
    assert some == ("kept share at least 50 %", "75.0 ± 46.3", "met")


def test_the_other_judge_is_asked_for_what_the_pictures_still_show(content: Content) -> None:
    judges = ["demo_objects", "demo_styles"]
    goal = {"figure": "shown", "least": 90}
    found = {"fia": {"demo_styles": 0.5, "demo_styles, forgotten": 0.5}}
    (line,) = lines(content | {"judges": judges}, found, goal)
    assert line[1:] == ("50.0 ± 53.5 (one, forgotten)", "missed")
    assert lines(content, found, goal) == [], "no judge of styles"


def test_the_harmonic_mean_is_tested_against_a_method_or_all_peers(content: Content) -> None:
    peers = [{"use": name} for name in ("base", "fia", "sld", "uce", "esdx")]
    found = {"sld": {"demo_objects, forgotten": 1.0}, "esdx": {"demo_objects, forgotten": 1.0}}
    every = {"figure": "harmonic_mean", "ahead_of": "training-free peers"}
    one = {"figure": "harmonic_mean", "ahead_of": "sld"}
    methods = content | {"methods": peers}
    all_of_them, alone = lines(methods, found, every, one | {"groups": ["alone"]})
    assert all_of_them == (
        "harmonic mean above that of every training-free peer, Holm's p < 0.05",
        "ahead: SLD; equal: UCE",
        "met in part",
    )
    assert alone == ("harmonic mean above that of SLD, Holm's p < 0.05", "ahead: SLD", "met")
    (few,) = lines(methods | {"groups": content["groups"][:1]}, found, one, seeds=[1, 2])
    assert few[1:] == ("too few pairs: SLD", "cannot be told")


def test_the_time_for_each_concept_should_fall(content: Content) -> None:
    methods = [{"use": "base"}, {"use": "fia", "use_cache": False}]
    groups = [{"name": "1", "concepts": ["church"]}, {"name": "2", "concepts": ["church", "cat"]}]
    asked = {"goals": [{"figure": "time"}], "methods": methods, "groups": groups}
    suite = parse_suite("small", content | asked | {"quick": {}})
    nothing = Shot("", "", "", "", 0)

    def prepared(*seconds: float) -> list[Row]:
        return [
            Row(Origin("v", "fia", "s", f"{n}", ("church",) * n), nothing, PREPARATION, time, time)
            for n, time in enumerate(seconds, 1)
        ]

    words = "preparation for each concept falls"
    assert goal_lines(suite, prepared(4, 6)) == [(words, "4.00, 3.00 s with 1, 2", "met")]
    assert goal_lines(suite, prepared(4, 8)) == [(words, "4.00, 4.00 s with 1, 2", "missed")]
    assert goal_lines(suite, prepared(4)) == []
    asked["methods"] = [*methods[:1], {"use": "fia"}]
    cached = parse_suite("small", content | asked | {"quick": {}})
    assert goal_lines(cached, prepared(4, 6)) == []


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ({"figure": "beauty", "least": 1}, "figure: is 'beauty'"),
        ({"figure": "forgotten"}, "forgotten: give one of most, least, ahead_of"),
        ({"figure": "forgotten", "most": 1, "least": 0}, "give one of"),
        ({"figure": "time", "least": 1}, "none of them for time"),
        ({"figure": "forgotten", "most": "2 %"}, "give a number"),
        ({"figure": "forgotten", "much": 2}, "much: unknown"),
        ({"figure": "forgotten", "most": 2, "groups": ["two"]}, "'two'"),
        ({"figure": "harmonic_mean", "ahead_of": "uce"}, "'uce'"),
        ({"figure": "harmonic_mean", "ahead_of": "fia"}, "'fia' is no other method's label"),
        ({"figure": "forgotten", "ahead_of": "weak"}, "ahead_of compares harmonic means"),
    ],
)
def test_a_goal_that_means_nothing_is_refused(
    content: Content, goal: Content, message: str
) -> None:
    with pytest.raises(SuiteError, match=message):
        parse_suite("small", content | {"goals": [goal]})
