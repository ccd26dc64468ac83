"""The plan of a run, and a quick run of the objects in the real ComfyUI."""

from typing import Any

import pytest
from conftest import asked
from PIL import Image

from benchmarks import cli
from benchmarks.analysis.frames import Measured
from benchmarks.analysis.lines import point
from benchmarks.harness.places import SUITES, Places
from benchmarks.harness.rows import PREPARATION, PRUNED, Rows, RowsError
from benchmarks.harness.runner import plan, run
from benchmarks.harness.sharding import measure
from benchmarks.harness.suite_file import load_suite, parse_suite


def test_the_base_model_comes_first_and_a_group_stays_together(content: dict[str, Any]) -> None:
    content["methods"].append(content["methods"].pop(0))
    tasks = plan(parse_suite("small", content), ["weak"])
    told = [(task.entry.label, task.group and task.group.name, task.seed) for task in tasks]
    weak = [("weak", group, seed) for group in ("one", "cat", "car") for seed in (1, 2)]
    assert told == [("base", None, 1), ("base", None, 2), *weak]


def test_an_unknown_method_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"--method: 'uce' is none of .* base, fia, weak"):
        plan(parse_suite("small", content), ["uce"])


def test_a_method_may_be_measured_on_some_groups(content: dict[str, Any]) -> None:
    content["methods"][1]["groups"] = ["alone"]
    asked = [task.group.name for task in plan(parse_suite("small", content), ["fia"]) if task.group]
    assert asked == ["cat", "cat", "car", "car"]


@pytest.fixture(scope="module")
def quick() -> Places:
    """The files of a quick run of the objects, made now."""
    cli.run(asked("run", "objects", "--quick"))
    return Places("objects", quick=True)


def rows_of(places: Places) -> Rows:
    """In memory, as what a test changes is not to be kept."""
    rows = Rows()
    rows.take(Rows(places.rows, places.database))
    return rows


def test_a_quick_run_answers_every_shot_once(quick: Places) -> None:
    suite = load_suite(SUITES / "objects.toml", quick=True)
    pictures = rows_of(quick).pictures
    assert set(pictures) == {(task.origin, shot) for task in plan(suite) for shot in task.shots}
    for key in pictures:
        with Image.open(quick.picture(*key)) as picture:
            assert picture.size == (128, 128)


def test_the_method_forgets_and_random_weights_do_not(quick: Places) -> None:
    suite = load_suite(SUITES / "objects.toml", quick=True)
    measured = Measured(suite, rows_of(quick))
    fia, random, plain = (point(measured, label, "") for label in ("fia", "random_mask", "base"))
    assert plain.left == 1 and fia.left <= 0.25 and fia.kept >= 0.75
    assert random.left >= 0.75


def test_random_masks_are_as_large_as_the_methods(quick: Places) -> None:
    figures = {run.method: it for run, it in rows_of(quick).figures.items()}
    assert figures["fia"][PRUNED] == figures["random_mask"][PRUNED] > 0
    assert sum(PREPARATION in it for it in figures.values()) == 3


def test_a_worker_gives_back_the_rows_of_its_tasks_only(quick: Places) -> None:
    suite, rows = load_suite(SUITES / "objects.toml", quick=True), rows_of(quick)
    shard = [task for task in plan(suite) if task.entry.label == "fia"]
    found = measure(suite, shard, rows, quick)
    wanted = {(task.origin, shot) for task in shard for shot in task.shots}
    assert found.pictures == {key: one for key, one in rows.pictures.items() if key in wanted}
    assert found.commits == {task.origin: rows.commits[task.origin] for task in shard}


def test_nothing_is_drawn_beside_pictures_of_other_code(quick: Places) -> None:
    suite, rows = load_suite(SUITES / "objects.toml", quick=True), rows_of(quick)
    rows.commits = dict.fromkeys(rows.commits, "no commit")
    run(suite, plan(suite), rows, quick)  # nothing is missing
    key = next(key for key in rows.pictures if key[0].method == "fia")
    del rows.pictures[key]
    quick.picture(*key).unlink()
    with pytest.raises(RowsError, match=r"rows of 'fia' were drawn by no commit, .*--fresh"):
        run(suite, plan(suite), rows, quick)
    rows.drop(["fia"])  # also where the base model's alone are there
    with pytest.raises(RowsError, match=r"rows of 'base' were drawn by no commit, .*--fresh"):
        run(suite, plan(suite), rows, quick)


def test_a_base_picture_whose_file_is_gone_is_drawn_and_keeps_its_row(quick: Places) -> None:
    suite, rows = load_suite(SUITES / "objects.toml", quick=True), rows_of(quick)
    key, row = next((key, it) for key, it in rows.pictures.items() if key[0].method == "base")
    before = quick.picture(*key).read_bytes()
    quick.picture(*key).unlink()
    run(suite, plan(suite), rows, quick)
    assert quick.picture(*key).read_bytes() == before
    assert rows.pictures[key] is row


def test_a_sample_of_the_pictures_drawn_again_comes_out_the_same(
    quick: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("objects", "--quick", "--method", "fia", "--pictures", "3")
    assert not cli.redraw(asked("redraw", *options))
    assert capsys.readouterr().out.endswith(
        "6 pictures drawn again; the judges say the same of all but 0 values.\n"
    )
