"""Suites in their quick form: drawn and judged to the end, or at least reported."""

import pytest
from conftest import asked
from measured import every_shot

from benchmarks import cli
from benchmarks.analysis.report import write_report
from benchmarks.harness.places import SUITES, Places
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.suite_file import load_suite

DRAWN = {
    "ablation": "variants and the union",
    "attack": "learned embeddings",
    "robust": "pictures to start from",
    "scale": "groups of several sizes",
    "stability": "settings of profiling",
    "styles": "styles, and two judges of other things",
    "transfer": "a LoRA",
}
"""Suites that have something of their own to draw; *objects* is drawn in ``test_run.py``."""

REPORTED = sorted(
    path.stem for path in SUITES.glob("*.toml") if path.stem not in {*DRAWN, "objects"}
)


@pytest.mark.parametrize("name", DRAWN)
def test_a_quick_run_answers_everything(few_steps: None, name: str) -> None:
    cli.run(asked("run", name, "--quick"))
    suite, places = load_suite(SUITES / f"{name}.toml", quick=True), Places(name, quick=True)
    wanted = {(task.origin, shot) for task in plan(suite) for shot in task.shots}
    rows = Rows(places.rows, places.database)
    assert set(rows.pictures) == wanted
    assert all(set(one.values) == set(suite.judges) for one in rows.pictures.values())
    assert places.report.read_text(encoding="utf-8").startswith(f"# {suite.title}")
    assert all(places.plot(plot).exists() for plot in suite.plots)


@pytest.mark.parametrize("name", REPORTED)
def test_what_a_quick_run_asks_for_can_be_reported(name: str) -> None:
    suite, places = load_suite(SUITES / f"{name}.toml", quick=True), Places(name, quick=True)
    write_report(every_shot(suite, lambda *_: 1.0), places)
    assert places.report.read_text(encoding="utf-8").startswith(f"# {suite.title}")
    assert all(places.plot(plot).exists() for plot in suite.plots)
