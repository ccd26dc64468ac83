"""Rows come back; those of other settings or code are not mixed with new ones."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.harness import provenance
from benchmarks.harness.provenance import CHANGED, current_commit, has_changed
from benchmarks.harness.rows import Picture, Rows, RowsError, Run
from benchmarks.harness.shots import Shot

FIA = Run("fia", "s1", "pair", ("church", "golf ball"))
BASE = Run("base", "s0")
CHURCH = Shot("church", "beach", "", "a church,\n\non a beach", 1, "half")
CAT = Shot("cat", "ocean", "", "a cat", 2)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return opened(tmp_path)


def opened(folder: Path) -> Rows:
    return Rows(folder / "small.csv", folder / "server" / "rows.db")


def filled(rows: Rows) -> Rows:
    rows.begin(FIA, "abc", {"preparation_seconds": 1.5, "pruned_share": 0.25})
    rows.begin(BASE, "abc", {})
    rows.add([Picture(FIA, CHURCH, {"demo_objects": 0.0})])
    rows.add([Picture(BASE, CAT, {"pixel_distance": 0.125})])
    return rows


def content(rows: Rows) -> object:
    return rows.commits, rows.figures, rows.pictures


def test_rows_come_back_from_the_database_and_from_the_tables(rows: Rows, tmp_path: Path) -> None:
    filled(rows)
    assert content(opened(tmp_path)) == content(rows)
    rows.save()
    assert rows.database and not rows.database.exists()
    assert content(opened(tmp_path)) == content(rows)
    assert rows.file.exists()


def test_a_picture_counts_when_all_judges_have_seen_it(rows: Rows) -> None:
    filled(rows)
    assert rows.has(FIA, CHURCH, ["demo_objects"]) and not rows.has(FIA, CAT, ["demo_objects"])
    assert not rows.has(FIA, CHURCH, ["demo_objects", "demo_styles"])
    rows.require_settings({"fia"}, {"s1"})
    with pytest.raises(RowsError, match=r"rows of 'fia' .* --fresh --method 'fia'"):
        rows.require_settings({"fia"}, {"s2"})


def test_only_the_dropped_methods_are_lost(rows: Rows, tmp_path: Path) -> None:
    filled(rows).drop({"fia"})
    assert [*rows.commits] == [BASE] and [key[0] for key in rows.pictures] == [BASE]
    assert content(opened(tmp_path)) == content(rows)


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
    has_changed.cache_clear()
    return file


def test_changed_code_is_said_and_told_from_its_commit(code: Path) -> None:
    commit = current_commit()
    assert len(commit) == 10 and not has_changed(commit)
    code.write_text("one = 2\n")
    has_changed.cache_clear()
    assert current_commit() == commit + CHANGED
    assert has_changed(commit) and has_changed("") and has_changed("no commit")
