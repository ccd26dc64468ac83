"""The rows of a suite: one a picture and judge, in a CSV file that grows as they come."""

import csv
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from .shots import Shot

JOINT = "; "


@dataclass(frozen=True)
class Origin:
    """What drew a picture: a method as it is now, and what it forgot.

    Attributes:
        version: hash of the code and the models behind the method.
        method: the label in the suite.
        settings: hash of the method's settings.
        group: name of the group; empty for the base model, which is asked for all groups at once.
        concepts: that were forgotten.
    """

    version: str
    method: str
    settings: str
    group: str
    concepts: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What a judge said of one picture.

    Attributes:
        origin, shot: what drew it and what it was asked for.
        judge: a file of ``benchmarks/judges``.
        value: 1 right, 0 wrong, or what else the judge gives.
        seconds: that drawing the picture took, its share of a graph of several.
    """

    origin: Origin
    shot: Shot
    judge: str
    value: float
    seconds: float


COLUMNS = (
    *(entry.name for entry in fields(Origin)),
    *(entry.name for entry in fields(Shot)),
    "judge",
    "value",
    "seconds",
)


class LedgerError(ValueError):
    """The rows' file is no such file, or holds rows that cannot be added to."""


class Ledger:
    """The rows measured so far.

    Args:
        path: of the CSV file; made with the first row.

    Raises:
        LedgerError: the file has other columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = read_rows(path) if path.exists() else []
        self._known = {_key(row) for row in self.rows}

    def has(self, origin: Origin, shot: Shot, judge: str) -> bool:
        """Whether a row answers this."""
        return (origin, shot, judge) in self._known

    def require_current(
        self, methods: Collection[str], current: Collection[tuple[str, str]]
    ) -> None:
        """Refuse rows of ``methods`` that other code, models or settings made.

        Args:
            methods: labels.
            current: the (version, settings) that they have now.

        Raises:
            LedgerError: there is one.
        """
        for row in self.rows:
            origin = row.origin
            if origin.method in methods and (origin.version, origin.settings) not in current:
                raise LedgerError(
                    f"{self.path.name}: its rows of {origin.method!r} were made with other code, "
                    f"models or settings (version {origin.version}, settings {origin.settings}); "
                    "--fresh measures all methods anew, "
                    f"--fresh --method {origin.method!r} these only"
                )

    def drop(self, methods: Collection[str]) -> None:
        """Throw the rows of these methods away."""
        self._replace([row for row in self.rows if row.origin.method not in methods])

    def reorder(self, answered: Iterable[tuple[Origin, Shot, str]]) -> None:
        """Bring the rows that answer these into their order, behind all others."""
        place = {key: number for number, key in enumerate(answered)}
        self._replace(sorted(self.rows, key=lambda row: place.get(_key(row), -1)))

    def add(self, rows: Iterable[Row]) -> None:
        """Keep the rows, in memory and at the end of the file."""
        new = list(rows)
        _append(self.path, new)
        self.rows += new
        self._known |= {_key(row) for row in new}

    def _replace(self, rows: list[Row]) -> None:
        self.rows = rows
        self._known = {_key(row) for row in rows}
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        partial = self.path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        _append(partial, rows)
        partial.replace(self.path)


def _append(path: Path, rows: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if begin:
            writer.writerow(COLUMNS)
        writer.writerows(_cells(row) for row in rows)


def read_rows(path: Path) -> list[Row]:
    """All rows of a file.

    Raises:
        LedgerError: it has other columns.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise LedgerError(
                f"{path.name}: has columns {', '.join(reader.fieldnames or ())}; rows have "
                f"{', '.join(COLUMNS)}. Move it away."
            )
        return [_row(line) for line in reader]


def _key(row: Row) -> tuple[Origin, Shot, str]:
    return row.origin, row.shot, row.judge


def _cells(row: Row) -> tuple[object, ...]:
    *origin, concepts = astuple(row.origin)
    measured = (row.judge, f"{row.value:.6g}", f"{row.seconds:.3f}")
    return (*origin, JOINT.join(concepts), *astuple(row.shot), *measured)


def _row(line: dict[str, str]) -> Row:
    concepts = tuple(line["concepts"].split(JOINT)) if line["concepts"] else ()
    return Row(
        Origin(line["version"], line["method"], line["settings"], line["group"], concepts),
        Shot(
            line["object"],
            line["scene"],
            line["style"],
            line["prompt"],
            int(line["seed"]),
            line["condition"],
        ),
        line["judge"],
        float(line["value"]),
        float(line["seconds"]),
    )
