"""A long measurement that can be interrupted: what was drawn stays in a file of rows."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo_model.judge import WEIGHTS as JUDGE_WEIGHTS
from demo_model.judge import load_judge
from demo_model.vocabulary import IMAGENETTE, OBJECTS, STYLES
from workbench.console import ProgressLine
from workbench.environment import ROOT
from workbench.erasure import PLAIN, WORKFLOW, Case, Shot, ask, demo_workflow, shots
from workbench.server import running_server

CODE = ("fia_core", "nodes/host", "demo_model")
MODEL_WEIGHTS = ROOT / "demo_model" / "weights.safetensors"
COLUMNS = ("version", "forget", "strength", "object", "scene", "seed", "right")
JOINT = "; "


@dataclass(frozen=True)
class Row:
    """One shot of one case, judged."""

    case: Case
    shot: Shot
    right: bool


class Ledger:
    """The rows measured so far, kept in a CSV file that grows as they come."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        self.path = path
        self.version = version()
        self.rows: list[Row] = []
        self.versions: set[str] = set()
        if fresh:
            path.unlink(missing_ok=True)
        if path.exists():
            self._read()

    def require_current(self) -> None:
        """Raise ValueError if another model, judge, workflow or code made a row."""
        others = self.versions - {self.version}
        if others:
            raise ValueError(
                f"{self.path}: measured with version {min(others)} of model, judge, workflow and "
                f"code, which are now {self.version}; --fresh measures anew"
            )

    def missing(self, case: Case, asked: Sequence[Shot]) -> list[Shot]:
        """Those of the shots that no row answers yet."""
        known = {row.shot for row in self.rows if row.case == case}
        return [shot for shot in asked if shot not in known]

    def add(self, rows: Iterable[Row]) -> None:
        """Keep the rows, in memory and at the end of the file."""
        new = list(rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        begin = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if begin:
                writer.writerow(COLUMNS)
            for row in new:
                shot, forget = row.shot, JOINT.join(row.case.forget)
                known = (self.version, forget, row.case.strength)
                writer.writerow((*known, shot.object, shot.scene, shot.seed, int(row.right)))
        self.rows += new

    def _read(self) -> None:
        with self.path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                self.versions.add(line["version"])
                forget = tuple(line["forget"].split(JOINT)) if line["forget"] else ()
                self.rows.append(
                    Row(
                        Case(forget, float(line["strength"])),
                        Shot(line["object"], line["scene"], int(line["seed"])),
                        line["right"] == "1",
                    )
                )


def version() -> str:
    """A short hash of everything that the rows depend on: model, judge, workflow and code."""
    digest = hashlib.sha256()
    code = (path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py")))
    for path in (MODEL_WEIGHTS, JUDGE_WEIGHTS, WORKFLOW, *code):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def measure(
    ledger: Ledger, cases: Sequence[Case], seeds: Iterable[int], kept_scenes: int
) -> None:
    """Draw and judge what the ledger lacks: the plain model first, then every case.

    Raises:
        ValueError: the ledger holds rows of another version.
    """
    ledger.require_current()
    judge = load_judge(tuple(OBJECTS), STYLES)
    async with running_server() as server:
        workflow = await demo_workflow(server)
        for case in (PLAIN, *cases):
            for seed in seeds:
                asked = ledger.missing(case, shots(case.forget or IMAGENETTE, seed, kept_scenes))
                if not asked:
                    continue
                line = ProgressLine(f"{title_of(case)}, seed {seed}", len(asked))
                answers = await ask(server, workflow, case, asked, judge, line)
                line.close()
                ledger.add(Row(case, answer.shot, answer.right) for answer in answers)


def title_of(case: Case) -> str:
    """A short name of the case for a person."""
    if not case.forget:
        return "plain model"
    return f"{group_name(case.forget)}, strength {case.strength:g}"


def group_name(forget: tuple[str, ...]) -> str:
    """The concept itself, or how many there are."""
    return forget[0] if len(forget) == 1 else f"{len(forget)} concepts"
