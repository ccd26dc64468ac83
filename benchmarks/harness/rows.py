"""The rows of a suite: three plain tables, in a database while a suite runs, in the end one below
the other in a CSV file, a blank line between them.

| table | a row is | columns |
| --- | --- | --- |
| runs | a method after it forgot a group | commit, method, settings, group, concepts, figures |
| shots | what a picture was asked for | object, scene, style, prompt, seed, condition |
| pictures | a run's picture of a shot | run, shot, and a column a judge |

A suite's database holds all its rows from its first picture to the writing of the CSV file; SQLite
keeps it whole if the program is killed, and the next run goes on from it.
"""

import csv
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import astuple, dataclass, field, fields
from itertools import groupby
from pathlib import Path
from typing import Any

from .shots import Shot

JOINT = "; "
FIGURES = ("preparation_seconds", "pruned_share")
"""Measured once a run: the time before the first picture, and the share of the layers' weights in
the mask."""

PREPARATION, PRUNED = FIGURES


@dataclass(frozen=True)
class Run:
    """A method, as it is set, after it forgot a group.

    Attributes:
        method: the label in the suite.
        settings: hash of the method's settings.
        group: name of the group; empty for the base model, which is asked for all groups at once.
        concepts: that were forgotten.
    """

    method: str
    settings: str
    group: str = ""
    concepts: tuple[str, ...] = ()


@dataclass
class Picture:
    """The judges' values of one picture.

    Attributes:
        run, shot: what drew it and what it was asked for.
        values: by judge: 1 right, 0 wrong, or what else the judge gives.
    """

    run: Run
    shot: Shot
    values: dict[str, float] = field(default_factory=dict)


DIGITS = 4
"""Of a figure in the file: a difference that ``redrawing.SAME`` lets pass."""

RUN_COLUMNS = ("id", "commit", *(one.name for one in fields(Run)), *FIGURES)
SHOT_COLUMNS = ("id", *(one.name for one in fields(Shot)))


NOWHERE = Path("nowhere")
"""Where rows in memory have no file."""


class RowsError(ValueError):
    """Rows that cannot be added to; the message says why, and what to do."""


class Rows:
    """A suite's rows.

    Args:
        file: of the three tables.
        database: of a suite that was not finished, read in their place; made with the first row.
            Without one, rows are in memory only.
    """

    def __init__(self, file: Path = NOWHERE, database: Path | None = None) -> None:
        self.file, self.database = file, database
        self.commits: dict[Run, str] = {}
        self.figures: dict[Run, dict[str, float]] = {}
        self.pictures: dict[tuple[Run, Shot], Picture] = {}
        self._is_kept = database is not None and database.exists() and self._read_database(database)
        if not self._is_kept and file.exists():
            self._read_csv()

    def has(self, run: Run, shot: Shot, judges: Iterable[str]) -> bool:
        """Whether all of these judges have seen this picture."""
        picture = self.pictures.get((run, shot))
        return picture is not None and picture.values.keys() >= set(judges)

    def begin(self, run: Run, commit: str, figures: dict[str, float]) -> None:
        """Keep what was measured of a run before its first picture."""
        self.commits[run], self.figures[run] = commit, figures
        self._keep([run], [])

    def add(self, pictures: Iterable[Picture]) -> None:
        """Keep what judges said."""
        new = {(one.run, one.shot): one for one in pictures}
        self.pictures |= new
        self._keep([], new.values())

    def take(self, other: "Rows") -> None:
        """Add all that another has."""
        for run, commit in other.commits.items():
            if run not in self.commits:
                self.begin(run, commit, other.figures[run])
        self.add(other.pictures.values())

    def drop(self, methods: Collection[str]) -> None:
        """Throw the rows of these methods away."""
        self.commits = {run: it for run, it in self.commits.items() if run.method not in methods}
        self.figures = {run: it for run, it in self.figures.items() if run in self.commits}
        self.pictures = {key: it for key, it in self.pictures.items() if key[0] in self.commits}
        self._is_kept = False
        self._keep(self.commits, self.pictures.values())

    def require_settings(self, methods: Collection[str], current: Collection[str]) -> None:
        """Raise RowsError if rows of ``methods`` have other settings than the ``current`` ones."""
        for run in self.commits:
            if run.method in methods and run.settings not in current:
                raise RowsError(
                    f"the rows of {run.method!r} were made with other settings "
                    f"({run.settings}); --fresh measures all methods again, "
                    f"--fresh --method {run.method!r} this one only"
                )

    def save(self) -> None:
        """Write the CSV file, in an order that does not depend on who drew when, and take the
        database away."""
        runs = sorted(self.commits, key=lambda run: (run.method, run.group, run.settings))
        shots = sorted({shot for _, shot in self.pictures}, key=_order)
        run_ids = {run: number for number, run in enumerate(runs, 1)}
        shot_ids = {shot: number for number, shot in enumerate(shots, 1)}
        judges = list(dict.fromkeys(j for one in self.pictures.values() for j in one.values))
        ordered = sorted(
            ((run_ids[run], shot_ids[shot], one) for (run, shot), one in self.pictures.items()),
            key=lambda line: line[:2],
        )
        lines = [
            RUN_COLUMNS,
            *(self._run_cells(run, run_ids[run]) for run in runs),
            (),
            SHOT_COLUMNS,
            *((shot_ids[shot], *astuple(shot)) for shot in shots),
            (),
            ("run", "shot", *judges),
            *(
                (run, shot, *(_number(one.values.get(judge)) for judge in judges))
                for run, shot, one in ordered
            ),
        ]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
        partial.replace(self.file)
        if self.database:
            self.database.unlink(missing_ok=True)
        self._is_kept = False

    def _run_cells(self, run: Run, number: int) -> tuple[Any, ...]:
        figures = (_number(self.figures[run].get(name)) for name in FIGURES)
        cells = (run.method, run.settings, run.group, JOINT.join(run.concepts))
        return (number, self.commits[run], *cells, *figures)

    def _read_csv(self) -> None:
        run_lines, shot_lines, lines = _tables(self.file)
        runs = {line["id"]: self._take_run(line) for line in run_lines}
        shots = {line["id"]: _shot(line) for line in shot_lines}
        for line in lines:
            run, shot = runs[line.pop("run")], shots[line.pop("shot")]
            values = {judge: float(value) for judge, value in line.items() if value}
            self.pictures[run, shot] = Picture(run, shot, values)

    def _take_run(self, line: Mapping[str, str]) -> Run:
        concepts = tuple(line["concepts"].split(JOINT)) if line["concepts"] else ()
        run = Run(line["method"], line["settings"], line["group"], concepts)
        self.commits[run] = line["commit"]
        self.figures[run] = {name: float(line[name]) for name in FIGURES if line[name]}
        return run

    def _keep(self, runs: Iterable[Run], pictures: Iterable[Picture]) -> None:
        """Write to the database, all or nothing; a new one takes in what the CSV file holds."""
        if self.database is None:
            return
        if not self._is_kept:
            runs, pictures = self.commits, self.pictures.values()
        self.database.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            *((_json(run), _json(self.commits[run], self.figures[run])) for run in runs),
            *((_json(one.run, one.shot), _json(one.values)) for one in pictures),
        ]
        with closing(sqlite3.connect(self.database, isolation_level=None)) as kept:
            kept.execute("BEGIN")
            kept.execute("CREATE TABLE IF NOT EXISTS kept (what TEXT PRIMARY KEY, measured TEXT)")
            if not self._is_kept:
                kept.execute("DELETE FROM kept")
            kept.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", lines)
            kept.execute("COMMIT")
        self._is_kept = True

    def _read_database(self, database: Path) -> bool:
        """Whether it holds rows; one that was killed while it was made holds none."""
        with closing(sqlite3.connect(database)) as kept:
            if not kept.execute("SELECT * FROM sqlite_master").fetchall():
                return False
            lines = kept.execute("SELECT * FROM kept ORDER BY rowid").fetchall()
        for what, measured in lines:
            (method, settings, group, concepts), *shot = json.loads(what)
            run = Run(method, settings, group, tuple(concepts))
            found = json.loads(measured)
            if shot:
                picture = Picture(run, Shot(*shot[0]), *found)
                self.pictures[run, picture.shot] = picture
            else:
                self.commits[run], self.figures[run] = found
        return True


def _json(*values: Any) -> str:
    return json.dumps([astuple(it) if isinstance(it, Run | Shot) else it for it in values])


def _order(shot: Shot) -> tuple[Any, ...]:
    return shot.seed, shot.condition, shot.prompt, shot.object, shot.style


def _shot(line: Mapping[str, str]) -> Shot:
    values: dict[str, Any] = {one.name: line[one.name] for one in fields(Shot)}
    values["seed"] = int(line["seed"])
    return Shot(**values)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.{DIGITS}g}"


def _tables(path: Path) -> list[list[dict[str, str]]]:
    """The lines of each table, cells by their columns."""
    with path.open(newline="", encoding="utf-8") as file:
        parts = [list(lines) for full, lines in groupby(csv.reader(file), bool) if full]
    return [[dict(zip(head, line, strict=True)) for line in lines] for head, *lines in parts]
