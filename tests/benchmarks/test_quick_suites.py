"""Every suite runs to its end in its quick form: all pictures judged, the report written."""

from collections.abc import Iterator

import pytest
from conftest import asked

from benchmarks import cli
from benchmarks.harness.places import SUITES, Places
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.suite import load_suite
from workbench.in_process import Extension

ELSEWHERE = {"objects"}  # in test_run.py
NAMES = sorted(path.stem for path in SUITES.glob("*.toml") if path.stem not in ELSEWHERE)


@pytest.fixture(scope="module")
def few_prompts(extension: Extension) -> Iterator[None]:
    """Methods look at three contexts for three steps, as what they forget does not count here."""
    from benchmarks.harness import hosted

    few = {**hosted.DEMO_METHODS, "contexts": ("park", "room", "lawn"), "profile_steps": 3}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hosted, "DEMO_METHODS", few)
        yield


@pytest.mark.parametrize("name", NAMES)
def test_a_quick_run_answers_everything(few_prompts: None, name: str) -> None:
    cli.run(asked("run", name, "--quick"))
    suite, places = load_suite(SUITES / f"{name}.toml", quick=True), Places(name, quick=True)
    wanted = {(task.origin, shot) for task in plan(suite) for shot in task.shots}
    rows = Rows(places.rows, places.database)
    assert set(rows.pictures) == wanted
    assert all(set(one.values) == set(suite.judges) for one in rows.pictures.values())
    report = places.report.read_text(encoding="utf-8")
    assert report.startswith(f"# {suite.title}")
    assert all(places.plot(plot).exists() for plot in suite.plots)
