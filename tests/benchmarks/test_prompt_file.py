"""A suite's prompts from a file: as they stand there, with their own seeds, or refused."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness.runner import plan
from benchmarks.harness.suite import SuiteError
from benchmarks.harness.suite_file import parse_suite

Content = dict[str, Any]


@pytest.fixture
def asking(content: Content) -> Content:
    """The small suite with prompts of a file that ask for a church."""
    for key in ("scenes", "prompts", "kept", "forgotten_scenes"):
        del content[key]
    return content | {
        "groups": [{"name": "one", "concepts": ["church"]}],
        "methods": [{"use": "base"}, {"use": "fia"}],
        "prompt_file": {"file": "prompts.csv", "seed": "own", "shows": "church"},
    }


def asked(content: Content, folder: Path) -> list[tuple[str, int]]:
    """Prompts and seeds of the method at the suite's first seed."""
    task = next(task for task in plan(parse_suite("small", content, folder=folder)) if task.group)
    return [(shot.prompt, shot.seed) for shot in task.shots]


def test_prompts_are_taken_as_they_stand(asking: Content, tmp_path: Path) -> None:
    text = '\ufeffown,prompt\n7,"a church, (old)"\n8,two\u2028lines\n7,"a church, (old)"\n9, \n'
    (tmp_path / "prompts.csv").write_text(text, encoding="utf-8")
    assert asked(asking, tmp_path) == [("a church, (old)", 8), ("two\u2028lines", 9)]
    asking["prompt_file"]["first"] = 1
    assert asked(asking, tmp_path) == [("a church, (old)", 8)]


def test_other_files_hold_a_prompt_a_line(asking: Content, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a church, prompt\r\n\r\nbell\n", encoding="utf-8")
    asking["prompt_file"] = {"file": "prompts.txt", "shows": "church"}
    assert asked(asking, tmp_path) == [("a church, prompt", 1), ("bell", 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"prompts\.csv is not there; the README"),
        ("prompt\na\n", "has no column 'own'; it has prompt"),
        ("prompt,own\na,seven\n", "the seed 'seven' is no whole number"),
        ("prompt,own\n ,7\n", "holds no prompt"),
        ("own,prompt\n7\n", "holds no prompt"),
        ("prompt,own\na\n", "the seed None is no whole number"),
    ],
)
def test_a_file_that_cannot_be_asked_from_is_refused(
    asking: Content, tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "prompts.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=message):
        asked(asking, tmp_path)
