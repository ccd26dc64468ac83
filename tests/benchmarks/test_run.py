"""The plan of a run, and a quick run of the objects in the real ComfyUI."""

from statistics import fmean
from typing import Any

import pytest
from conftest import asked
from measured import fill
from PIL import Image

from benchmarks import cli
from benchmarks.harness.places import SUITES, Places
from benchmarks.harness.redrawing import differing
from benchmarks.harness.rows import PREPARATION, PRUNED, Rows, RowsError
from benchmarks.harness.runner import part_of, plan, require_base, run
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import load_suite, parse_suite


def test_the_base_model_comes_first_and_a_group_stays_together(content: dict[str, Any]) -> None:
    content["methods"].append(content["methods"].pop(0))
    content["methods"][1]["groups"] = ["alone"]
    suite = parse_suite("small", content)
    tasks = plan(suite, ["weak"])
    told = [(task.entry.label, task.group and task.group.name, task.seed) for task in tasks]
    weak = [("weak", group, seed) for group in ("cat", "car") for seed in (1, 2)]
    assert told == [("base", None, 1), ("base", None, 2), *weak]
    with pytest.raises(ValueError, match=r"--method: 'uce' is none of .* fia, weak, base"):
        plan(suite, ["uce"])


def test_parts_wait_for_what_they_are_compared_with(suite: Suite) -> None:
    tasks = plan(suite, ["base"])
    require_base(suite, fill(Rows(), tasks))
    with pytest.raises(RowsError, match=r"first run .*small --method base"):
        require_base(suite, fill(Rows(), tasks[:-1]))


@pytest.fixture(scope="module")
def quick() -> Places:
    """The files of a quick run of the objects, made now."""
    cli.run(asked("run", "objects", "--quick"))
    return Places("objects", quick=True)


@pytest.fixture
def objects() -> Suite:
    return load_suite(SUITES / "objects.toml", quick=True)


@pytest.fixture
def rows(quick: Places) -> Rows:
    """Of the quick run, in memory, as what a test changes is not to be kept."""
    rows = Rows()
    rows.take(Rows(quick.rows, quick.database))
    return rows


def test_a_quick_run_answers_every_shot_once(objects: Suite, rows: Rows, quick: Places) -> None:
    assert set(rows.pictures) == {
        (task.origin, shot) for task in plan(objects) for shot in task.shots
    }
    for key in rows.pictures:
        with Image.open(quick.picture(*key)) as picture:
            assert picture.size == (128, 128)


def test_the_method_forgets_and_random_weights_do_not(objects: Suite, rows: Rows) -> None:
    (group,) = objects.groups

    def seen(method: str, names: tuple[str, ...]) -> float:
        return fmean(
            one.values["demo_objects"]
            for (run, shot), one in rows.pictures.items()
            if run.method == method and shot.object in names
        )

    assert seen("base", group.concepts) == 1
    assert seen("fia", group.concepts) <= 0.25 and seen("fia", group.kept) >= 0.75
    assert seen("random_mask", group.concepts) >= 0.75
    figures = {run.method: it for run, it in rows.figures.items()}
    assert figures["fia"][PRUNED] == figures["random_mask"][PRUNED] > 0
    assert sum(PREPARATION in it for it in figures.values()) == 3


def test_parts_measure_what_one_run_measures(objects: Suite, rows: Rows, quick: Places) -> None:
    whole = Rows()
    whole.take(rows)
    rows.drop(["negative_prompt", "random_mask"])
    assert len(rows.pictures) < len(whole.pictures)
    for number in (1, 2):
        part = Rows()
        part.take(rows)
        run(objects, part_of(plan(objects), number, 2), part, quick)
        rows.take(part)
    assert differing(whole, rows) == (len(whole.pictures), [])


def test_nothing_is_drawn_beside_pictures_of_other_code(
    objects: Suite, rows: Rows, quick: Places
) -> None:
    rows.commits = dict.fromkeys(rows.commits, "no commit")
    run(objects, plan(objects), rows, quick)  # nothing is missing
    key = next(key for key in rows.pictures if key[0].method == "fia")
    del rows.pictures[key]
    with pytest.raises(RowsError, match=r"rows of 'fia' were drawn by no commit, .*--fresh"):
        run(objects, plan(objects), rows, quick)
    rows.drop(["fia"])  # also where the base model's alone are there
    with pytest.raises(RowsError, match=r"rows of 'base' were drawn by no commit, .*--fresh"):
        run(objects, plan(objects), rows, quick)


def test_a_sample_of_the_pictures_drawn_again_comes_out_the_same(
    quick: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("objects", "--quick", "--method", "fia", "--pictures", "3")
    assert not cli.redraw(asked("redraw", *options))
    assert capsys.readouterr().out.endswith(
        "6 pictures drawn again; the judges say the same of all but 0 values.\n"
    )
