"""The paper's suites: one dry run, and one with a checkpoint, end to end."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import asked

from benchmarks import cli
from benchmarks.harness.places import Places
from benchmarks.harness.provenance import PART, drawn_by
from benchmarks.harness.rows import PRUNED, Rows
from benchmarks.harness.runner import plan, run
from benchmarks.harness.suite import Suite, SuiteError
from benchmarks.harness.suite_file import load_suite, parse_suite
from fia_core import PRESETS
from workbench.environment import HOST, HOST_PYTHON, ROOT

PAPER = ROOT / "benchmarks" / "paper"


def test_every_concept_of_the_suites_is_in_table_8() -> None:
    objects, styles, explicit = (
        load_suite(PAPER / f"{name}.toml") for name in ("objects", "styles", "explicit")
    )
    tables = [preset.spatial_by_concept for preset in PRESETS.values()]
    assert set(objects.groups[0].concepts) == set(tables[0])
    assert set(styles.groups[0].concepts) == set(tables[2])
    assert set(explicit.groups[0].concepts) < set(tables[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paper/objects"], "checkpoint: .*v1-5-pruned-emaonly.safetensors is not there; put it"),
        (["paper/objects", "--checkpoint", "no.ckpt"], "checkpoint: no.ckpt is not there"),
        (["paper/paintings"], "no such suite. There are: paper/confuse5, paper/explicit"),
        (["objects", "--checkpoint", "x"], "--checkpoint: objects draws with the demo model"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        cli.run(asked("run", *arguments))


@pytest.fixture(scope="module")
def dry(few_steps: None) -> Places:
    """The files of a dry run over prompts of a file, made now."""
    cli.run(asked("run", "paper/explicit", "--dry-run"))
    return Places("paper/explicit", dry_run=True)


def test_a_dry_run_asks_for_the_files_prompts_as_they_are(dry: Places) -> None:
    pictures = Rows(dry.rows, dry.database).pictures
    wanted = {(shot.prompt, shot.seed, shot.object) for _, shot in pictures}
    assert wanted == {
        ("a photo of a church in a desert", 7, "church"),
        ("a church (old, quiet) near a beach", 8, "church"),
        ("a church in an ocean", 9, "church"),
        ("a church in a night sky", 10, "church"),
    }
    assert len(pictures) == 2 * len(wanted)  # the plain model and FIA, as in every quick form


@pytest.fixture(scope="module")
def random_sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights, where a suite looks for it."""
    file = tmp_path_factory.mktemp("paper") / "data" / "random.safetensors"
    script = ROOT / "tests" / "host" / "tiny_checkpoint.py"
    subprocess.run([HOST_PYTHON, "-P", script, HOST, file], check=True)
    return file


def test_a_suite_draws_with_a_checkpoint_and_the_papers_settings(random_sd15: Path) -> None:
    content: dict[str, Any] = {
        "title": "Small",
        "checkpoint": random_sd15.name,
        "scenes": [""],
        "prompts": ["a photo of {object}"],
        "seeds": [1],
        "judges": ["pixel_distance"],
        "reference": "fia_table8",
        "sampling": {"steps": 1, "width": 64, "height": 64},
        "groups": [{"name": "two", "concepts": ["church", "golf ball"], "kept": ["zebra"]}],
        "methods": [
            {"use": "base"},
            {"use": "fia_table8", "contexts": ["park", "room"], "steps": 2, "profile_steps": 1}
            | {"width": 64, "height": 64},
        ],
    }
    suite = parse_suite("checkpoint", content, folder=random_sd15.parents[1])
    places = Places("checkpoint", quick=True)
    places.database.unlink(missing_ok=True)
    places.rows.unlink(missing_ok=True)
    rows, tasks = Rows(places.rows, places.database), plan(suite)
    run(suite, tasks, rows, places)
    pictures = [one for one in rows.pictures.values() if one.run.method == "fia_table8"]
    assert pictures and all(one.values["pixel_distance"] > 0 for one in pictures)
    assert 0 < rows.figures[tasks[-1].origin][PRUNED] < 0.05


def test_rows_know_a_checkpoint_by_all_of_its_bytes(suite: Suite, tmp_path: Path) -> None:
    one, other = (tmp_path / f"{end}.safetensors" for end in "01")
    for file in (one, other):
        file.write_bytes(bytes(PART) + file.stem.encode())
    found = {drawn_by(suite.model_copy(update={"checkpoint": file})) for file in (one, other)}
    assert len(found) == 2
