"""Which pictures are drawn again, and what is said of them."""

import pytest
from measured import fill

from benchmarks.harness.redrawing import differing, sample_tasks
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.suite import Suite


def test_a_number_of_pictures_is_drawn_again_beside_the_base_models_of_the_same(
    suite: Suite,
) -> None:
    tasks = plan(suite, ["fia"])
    chosen = sample_tasks(tasks, fill(Rows(), tasks), 5)
    asked = [shot for task in chosen if task.group for shot in task.shots]
    beside = [shot for task in chosen if not task.group for shot in task.shots]
    assert len(asked) == 5
    assert set(asked) == set(beside)
    assert len({task.origin.group for task in chosen if task.group}) > 1, "spread over groups"


def test_only_pictures_that_have_rows_are_drawn_again(suite: Suite) -> None:
    tasks = plan(suite)
    rows = fill(Rows(), [task for task in tasks if task.entry.label == "weak"])
    assert {t.entry.label for t in sample_tasks(tasks, rows, 100)} == {"base", "weak"}
    with pytest.raises(ValueError, match="no rows of these methods"):
        sample_tasks(tasks, Rows(), 100)


def test_a_picture_that_a_judge_sees_otherwise_is_named(suite: Suite) -> None:
    tasks = plan(suite, ["fia"])
    before, after = fill(Rows(), tasks), fill(Rows(), tasks[:2], 1 + 1e-4)
    pictures = sum(len(task.shots) for task in tasks[:2])
    assert differing(before, after) == (pictures, []), "as another processor may round"
    first = next(iter(after.pictures.values()))
    first.values["demo_objects"] = 0.5
    count, (line,) = differing(before, after)
    assert count == pictures
    assert line.startswith("base, all groups: 'a photo of") and line.endswith("_objects 1, now 0.5")
