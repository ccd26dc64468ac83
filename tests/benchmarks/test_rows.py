"""Rows survive any interruption; those of other settings or code are not mixed with new ones."""

import contextlib
import multiprocessing
import random
import subprocess
import time
from multiprocessing.connection import Connection
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


def write_endlessly(folder: Path, said: Connection) -> None:
    """Goes on where the rows end; says the number of each addition when it is kept."""
    rows = opened(folder)
    said.send(-1)
    for number in range(len(rows.pictures) // 8, 10**6):
        run = Run("fia", "s", f"{number // 40}", ("cat",))
        if run not in rows.commits:
            rows.begin(run, "abc", {"pruned_share": number / 1000})
        shots = [Shot("cat", "", "", "a cat", 8 * number + one) for one in range(8)]
        rows.add(Picture(run, shot, {"judge": float(shot.seed % 2)}) for shot in shots)
        said.send(number)
        if number % 5 == 4:
            rows.save()


KILLS = 40


def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """At any moment, the writing of the tables among them; what was said to be kept is there."""
    chance, last, processes = random.Random(1), -1, multiprocessing.get_context("fork")
    for _ in range(KILLS):
        here, there = processes.Pipe(duplex=False)
        process = processes.Process(target=write_endlessly, args=(tmp_path, there))
        process.start()
        there.close()
        for _ in range(chance.randint(1, 3)):  # its start, and what is written meanwhile
            last = max(last, here.recv())
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.join()
        with contextlib.suppress(EOFError):
            while True:
                last = max(last, here.recv())
        pictures = opened(tmp_path).pictures
        seeds = sorted(shot.seed for _, shot in pictures)
        assert seeds == list(range(len(seeds))), "nothing is lost or doubled"
        assert len(seeds) % 8 == 0 and len(seeds) >= 8 * (last + 1)
        assert all(one.values["judge"] == one.shot.seed % 2 for one in pictures.values())
    assert last > KILLS / 4, "much was written between the kills"


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
