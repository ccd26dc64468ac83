"""The commits behind a suite's rows."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.harness import provenance
from benchmarks.harness.provenance import CHANGED, note_commit, noted_commits


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a repository with one commit."""
    file = tmp_path / "fia_core" / "mask.py"
    file.parent.mkdir()
    file.write_text("one = 1\n")
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "First")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return file


def test_a_commit_is_noted_once_and_changed_code_is_said(code: Path, tmp_path: Path) -> None:
    path = tmp_path / "results" / "objects.commits"
    assert noted_commits(path) == []
    note_commit(path)
    note_commit(path)
    (commit,) = noted_commits(path)
    assert len(commit) == 10
    code.write_text("one = 2\n")
    note_commit(path)
    assert noted_commits(path) == [commit, commit + CHANGED]


def test_without_git_nothing_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    note_commit(tmp_path / "objects.commits")
    assert noted_commits(tmp_path / "objects.commits") == []
