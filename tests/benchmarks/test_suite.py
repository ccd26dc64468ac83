"""A suite's file is read as it is meant, or refused with the key and the mend."""

from pathlib import Path
from typing import Any

import pytest
from conftest import ALL_SUITES, suite_name

from benchmarks.harness.registry import check_suite
from benchmarks.harness.suite import Entry, Suite, SuiteError
from benchmarks.harness.suite_file import load_suite, parse_suite

Content = dict[str, Any]


def test_groups_keep_what_they_do_not_forget(suite: Suite) -> None:
    kept = {group.name: (group.family, group.concepts, group.kept) for group in suite.groups}
    assert kept == {
        "one": ("one", ("church",), ("cat", "car")),
        "cat": ("alone", ("cat",), ("church", "car")),
        "car": ("alone", ("car",), ("church", "cat")),
    }


def test_a_quick_form_has_the_first_and_the_last_of_its_lists(content: Content) -> None:
    content["conditions"] = [{"name": name} for name in "abc"]
    suite = parse_suite("small", content, quick=True)
    assert (suite.seeds, suite.scenes, suite.sampling) == ((1,), ("beach", "desert"), {"steps": 6})
    ((name, kept),) = [(group.name, group.kept) for group in suite.groups]
    assert (name, kept) == ("one", ("cat", "car"))
    assert [condition.name for condition in suite.conditions] == ["a", "c"]
    assert [entry.label for entry in suite.entries] == ["base", "fia"]
    suite = parse_suite("small", content | {"quick": ["weak"]}, quick=True)
    assert [entry.label for entry in suite.entries] == ["base", "fia", "weak"]


def test_a_suite_has_the_keys_of_the_one_that_it_extends(content: Content, tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text('scenes = ["forest"]\nforgotten_scenes = 1\ntitle = "A"')
    del content["scenes"], content["forgotten_scenes"]
    suite = parse_suite("small", content | {"extends": "first"}, folder=tmp_path)
    assert (suite.scenes, suite.title) == (("forest",), "Small")
    with pytest.raises(SuiteError, match=r"extends: there is no second.toml beside the suite"):
        parse_suite("small", content | {"extends": "second"}, folder=tmp_path)


def test_a_settings_hash_tells_methods_and_settings_apart(suite: Suite, content: Content) -> None:
    other_sampling = parse_suite("small", content | {"sampling": {"steps": 5}})
    one, same = (
        Entry.model_validate({"label": "a", "use": "fia", "x": 1, "y": 2}),
        Entry.model_validate({"label": "b", "use": "fia", "y": 2, "x": 1}),
    )
    assert suite.settings_hash(one) == suite.settings_hash(same)
    others = {
        suite.settings_hash(Entry.model_validate({"use": "fia", "x": 1, "y": 3})),
        suite.settings_hash(Entry.model_validate({"use": "union", "x": 1, "y": 2})),
        other_sampling.settings_hash(one),
    }
    assert len(others | {suite.settings_hash(one)}) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titel": "Small"}, r"titel: unknown; known are .*title"),
        ({"prompt_file": {"prompt": "b"}}, r"prompt_file.file: is missing; give one"),
        ({"sweeps": [{"use": "fia", "setting": "r2", "values": []}]}, r"sweeps.values: is empty"),
        ({"groups": []}, r"groups: is empty; give at least 1"),
        ({"concept": "animal"}, r"concept: Input should be 'object' or 'style'; it is 'animal'"),
        ({"seeds": [1, 1]}, r"seeds: one is there twice: 1, 1"),
        ({"prompts": ["{place}"]}, r"prompts: '\{place\}' has a field other than"),
        ({"kept_scenes": 4}, r"kept_scenes: 4 is not between 1 and 3"),
        ({"groups": [{"name": "x"}]}, r"groups: 'x' needs either concepts or each"),
        ({"groups": [{"name": "x", "each": ["a", "a"]}]}, r"groups: 'a' is there twice"),
        ({"kept": ["church"]}, r"groups: 'one' keeps nothing; name kept concepts"),
        ({"methods": [{"use": "fia"}]}, r"methods: no method has the label 'base'"),
        (
            {"methods": [{"use": "base"}] * 2},
            r"methods: 'base' is there twice; give one another name",
        ),
        (
            {"methods": [{"use": "base"}, {"use": "fia", "groups": ["two"]}]},
            r"methods: 'fia': no groups 'two'; there are one, alone",
        ),
        (
            {"conditions": [{"name": "a", "start": "b"}, {"name": "b"}]},
            r"conditions: 'a' starts from 'b'; put that before it",
        ),
        ({"reference": "uce"}, r"reference: no method has the label 'uce'"),
        (
            {"sweeps": [{"use": "fia", "setting": "r2", "values": [1, 2], "own": 3}]},
            r"sweeps: 'r2': the authors' own 3 is not among the values",
        ),
    ],
)
def test_a_suite_that_cannot_run_is_refused(
    content: Content, change: Content, message: str
) -> None:
    with pytest.raises(SuiteError, match=message):
        parse_suite("small", content | change)


def test_a_method_that_is_not_there_names_those_that_are(content: Content) -> None:
    content["methods"].append({"use": "magic"})
    with pytest.raises(SuiteError, match=r"methods: there is no 'magic'; there are .*fia, "):
        check_suite(parse_suite("small", content))


@pytest.mark.parametrize("path", ALL_SUITES, ids=suite_name)
@pytest.mark.parametrize("form", ["full", "quick", "dry run"])
def test_every_suite_can_run(path: Path, form: str) -> None:
    folder = path.parent.name
    if form == "dry run" and folder == "suites":
        with pytest.raises(SuiteError, match="dry_run: is missing; only suites of a checkpoint"):
            load_suite(path, dry_run=True)
        return
    suite = load_suite(path, quick=form == "quick", dry_run=form == "dry run")
    check_suite(suite)
    assert suite.name == (path.stem if folder == "suites" else f"{folder}/{path.stem}")
    assert (suite.checkpoint is not None) == (folder != "suites" and form != "dry run")
