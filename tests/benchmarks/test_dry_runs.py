"""Suites in their dry run, drawn and judged to the end."""

import pytest
from conftest import asked

from benchmarks import cli
from benchmarks.harness.places import Places, suite_path
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.suite_file import load_suite

DRAWN = {
    "natural/twin_0_protect": "names that a mask is told to keep",
    "paper/styles": "styles, and judges of other things",
}
"""Suites that have something of their own to draw; *objects* is drawn in ``test_run.py``."""


@pytest.mark.parametrize("name", DRAWN)
def test_a_dry_run_answers_everything(few_steps: None, name: str) -> None:
    cli.run(asked("run", name, "--dry-run"))
    suite, places = load_suite(suite_path(name), dry_run=True), Places(name, dry_run=True)
    wanted = {(task.origin, shot) for task in plan(suite) for shot in task.shots}
    rows = Rows(places.rows, places.database)
    assert set(rows.pictures) == wanted
    assert all(set(one.values) == set(suite.judges) for one in rows.pictures.values())
    assert places.report.read_text(encoding="utf-8").startswith(f"# Dry run: {suite.title}")
