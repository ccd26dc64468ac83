"""Which pictures are drawn again, and what is said of them."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.harness.ledger import Row
from benchmarks.harness.redrawing import Redrawn, compare, sample_tasks
from benchmarks.harness.registry import PREPARATION
from benchmarks.harness.runner import NO_SHOT, Task, plan
from benchmarks.harness.suite import parse_suite


def rows_of(tasks: list[Task], value: float = 1.0) -> list[Row]:
    """An earlier version's."""
    return [
        Row(replace(task.origin, version="earlier"), shot, "demo_objects", value, 0.5)
        for task in tasks
        for shot in task.shots
    ]


def test_so_many_pictures_are_drawn_again_beside_the_base_models_of_the_same(
    content: dict[str, Any],
) -> None:
    tasks = plan(parse_suite("small", content), ["fia"])
    chosen = sample_tasks(tasks, rows_of(tasks), 5)
    asked = [shot for task in chosen if task.group for shot in task.shots]
    beside = [shot for task in chosen if not task.group for shot in task.shots]
    assert len(asked) == 5
    assert set(asked) == set(beside)
    assert len({task.origin.group for task in chosen if task.group}) > 1, "spread over groups"


def test_only_pictures_that_have_rows_are_drawn_again(content: dict[str, Any]) -> None:
    tasks = plan(parse_suite("small", content))
    rows = [row for row in rows_of(tasks) if row.origin.method == "weak"]
    assert {t.entry.label for t in sample_tasks(tasks, rows, 100)} == {"base", "weak"}
    with pytest.raises(ValueError, match="no rows of these methods"):
        sample_tasks(tasks, [], 100)


def test_what_a_condition_starts_from_is_drawn_too(content: dict[str, Any]) -> None:
    content["conditions"] = [
        {"name": "from noise"},
        {"name": "from a picture", "start": "from noise", "denoise": 0.7},
    ]
    tasks = plan(parse_suite("small", content), ["fia"])
    started = [row for row in rows_of(tasks) if row.shot.condition == "from a picture"]
    chosen = sample_tasks(tasks, started, 3)
    conditions = [t.condition.name for t in chosen if not t.group for _ in t.shots]
    assert conditions.count("from noise") == conditions.count("from a picture") > 0


def test_a_picture_counts_as_the_same_where_all_judges_say_the_same(
    content: dict[str, Any],
) -> None:
    tasks = plan(parse_suite("small", content), ["fia"])
    before = rows_of(tasks)
    before += [replace(row, judge="pixel_distance", value=0.0123457) for row in before]
    after = [replace(row, origin=replace(row.origin, version="now")) for row in before]
    after = [
        replace(row, value=row.value * (1 + 1e-4)) for row in after
    ]  # as another processor may
    after.append(Row(after[0].origin, NO_SHOT, PREPARATION, 9.0, 9.0))
    pictures = len({(row.origin, row.shot) for row in before})
    assert compare(before, after) == Redrawn(pictures, 0, ("base", "fia"))
    after[-2] = replace(after[-2], value=0.02)
    assert compare(before, after) == Redrawn(pictures, 1, ("base", "fia"))
