"""The paper's suites: each can be run, dry and with a checkpoint; one dry run from end to end."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from measured import every_shot

from benchmarks.analysis.report import report
from benchmarks.harness import places as places_module
from benchmarks.harness import registry
from benchmarks.harness.checkpoint import with_checkpoint
from benchmarks.harness.method import METHOD_NODES, Setup
from benchmarks.harness.places import Places
from benchmarks.harness.provenance import drawn_by
from benchmarks.harness.registry import check_suite
from benchmarks.harness.rows import PRUNED, Rows
from benchmarks.harness.runner import plan, run
from benchmarks.harness.suite import load_suite, parse_suite
from benchmarks.methods.fia_table8 import METHOD, sparsities
from fia_core import PRESETS, NeuronMask, default_contexts
from workbench.environment import HOST, HOST_PYTHON, ROOT

PAPER = ROOT / "benchmarks" / "paper"
SUITES = sorted(PAPER.glob("*.toml"))
RUN = [sys.executable, str(ROOT / "benchmarks" / "run.py")]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
@pytest.mark.parametrize("form", ["full", "quick", "dry run"])
def test_every_suite_can_run(path: Path, form: str) -> None:
    suite = load_suite(path, quick=form == "quick", dry_run=form == "dry run")
    check_suite(suite)
    assert suite.name == f"paper/{path.stem}"
    assert (suite.checkpoint is None) == (form == "dry run")


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
@pytest.mark.parametrize("dry_run", [False, True])
def test_every_suite_has_a_report(
    path: Path, dry_run: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, "ROOT", tmp_path)
    suite = load_suite(path, dry_run=dry_run)
    if suite.prompt_file and not suite.prompt_file.path.exists():
        pytest.skip("its prompts are people's own copies")
    small = suite.model_copy(update={"seeds": suite.seeds[:1], "checkpoint": None})
    text = report(every_shot(small, lambda *_: 1.0), Places(suite.name, dry_run=dry_run))
    assert all(registry.judge(judge).title in text for judge in suite.judges)


def test_concepts_have_the_settings_of_table_8() -> None:
    for kind, preset in PRESETS.items():
        for concept, spatial in preset.spatial_by_concept.items():
            expected = (preset.temporal_by_concept.get(concept, 0.05), spatial)
            assert sparsities(kind, concept) == sparsities(kind, concept.upper()) == expected
    assert sparsities("object", "zebra") == (0.05, 0.01)


def test_ten_objects_are_profiled_with_the_papers_contexts_in_two_groups() -> None:
    settings = {"kind": "object", "contexts": "", "temporal_sparsity": 1.0, "steps": 50}
    defaults = {node: settings if node == METHOD_NODES[0] else {} for node in METHOD_NODES}
    model = ["checkpoint", 0]
    setup = Setup(
        nodes={},
        model=model,
        clip=["checkpoint", 1],
        vae=["checkpoint", 2],
        negative=["negative", 0],
        sampler={},
        latent={},
        defaults=defaults,
        profiled=model,
    )
    concepts = load_suite(PAPER / "objects.toml").groups[0].concepts
    draft = setup.draft()
    METHOD.build(draft, setup, concepts, {})
    nodes = list(draft.nodes.values())
    profiles = [node["inputs"] for node in nodes if node["class_type"] == "FIAProfileConcept"]
    shapes = [node["inputs"] for node in nodes if node["class_type"] == "FIABuildConceptMask"]
    assert [len(inputs["concepts"].split("\n")) for inputs in profiles] == [3, 7]
    assert [inputs["spatial_sparsity"] for inputs in shapes] == [3.0, 0.7]
    for inputs in profiles:
        assert tuple(inputs["contexts"].split("\n")) == default_contexts("object")
        assert inputs["temporal_sparsity"] == 5.0 and inputs["steps"] == 50
    fusion = next(node["inputs"] for node in nodes if node["class_type"] == "FIAFuseMasks")
    assert fusion["agnostic_ratio"] == 60.0 and {"masks", "masks_2"} <= fusion.keys()


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
        (["paper/paintings"], "no such suite. There are: paper/explicit, paper/mma"),
        (["objects", "--dry-run"], "dry_run: is missing; only suites of a checkpoint"),
        (["objects", "--checkpoint", "x"], "--checkpoint: objects draws with the demo model"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], message: str) -> None:
    process = subprocess.run([*RUN, *arguments], capture_output=True, text=True)
    assert process.returncode == 1
    assert len(process.stderr.splitlines()) == 1 and re.search(message, process.stderr)


@pytest.fixture(scope="module")
def dry() -> Places:
    """The files of a dry run over prompts of a file, made now."""
    process = subprocess.run([*RUN, "paper/explicit", "--dry-run"], capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return Places("paper/explicit", dry_run=True)


def test_a_dry_run_asks_for_the_files_prompts_as_they_are(dry: Places) -> None:
    pictures = Rows(dry.rows, dry.database).pictures
    asked = {(shot.prompt, shot.seed, shot.object) for _, shot in pictures}
    assert asked == {
        ("a photo of a church in a desert", 7, "church"),
        ("a church (old, quiet) near a beach", 8, "church"),
        ("a church in an ocean", 9, "church"),
        ("a church in a night sky", 10, "church"),
    }
    assert len(pictures) == 3 * len(asked)


def test_a_dry_run_says_what_it_is(dry: Places) -> None:
    assert dry.report.name == "explicit_dry_run.md"
    assert "docs" not in dry.report.parts
    text = dry.report.read_text(encoding="utf-8")
    assert text.startswith("# Dry run: The paper's explicit content")
    assert "are no result" in text and "paper/explicit --dry-run`" in text


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
    shutil.rmtree(places.server, ignore_errors=True)
    shutil.rmtree(places.rows, ignore_errors=True)
    rows, tasks = Rows(places.rows, places.database), plan(suite)
    asyncio.run(run(suite, tasks, rows, places))
    pictures = [one for one in rows.pictures.values() if one.run.method == "fia_table8"]
    assert pictures and all(one.values["pixel_distance"] > 0 for one in pictures)
    mask = NeuronMask.load(places.mask(tasks[-1].origin))
    spatial = {
        origin["concepts"][0]: origin["settings"]["spatial_sparsity"]
        for origin in mask.provenance["masks"]
    }
    assert spatial == {"church": 0.007, "golf ball": 0.03}
    assert mask.settings["agnostic_ratio"] == 0.6
    assert rows.figures[tasks[-1].origin][PRUNED] == mask.count / mask.weights
    other = random_sd15.with_name("other.safetensors")
    other.write_bytes(random_sd15.read_bytes()[:-1] + b"0")
    assert drawn_by(with_checkpoint(suite, other)) != drawn_by(suite)
