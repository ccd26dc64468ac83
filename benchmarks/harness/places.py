"""The places of a suite's files."""

import hashlib
import shutil
from dataclasses import astuple, dataclass
from pathlib import Path

from workbench.environment import ENVIRONMENT, ROOT

from .provenance import CHANGED
from .rows import Run
from .shots import Shot
from .suite import SUITES

DRY_RUN = "dry_run"


@dataclass(frozen=True)
class Places:
    """Files of one suite. Rows, reports and pictures that the repository has are written there
    again; all others, and those of quick and dry runs, lie in ``results`` and are not kept."""

    suite: str
    quick: bool = False
    dry_run: bool = False

    @property
    def host(self) -> Path:
        """ComfyUI's folder; suites may run side by side in it."""
        return ENVIRONMENT / "benchmarks" / "host"

    @property
    def rows(self) -> Path:
        """The file of the tables."""
        return self._result(f"rows/{self._name}.csv")

    @property
    def database(self) -> Path:
        """The rows of a run that is not finished."""
        return self._databases / "rows.db"

    def part(self, number: int) -> Path:
        """The rows of a part of a run."""
        return self._databases / f"part_{number}.db"

    @property
    def parts(self) -> list[Path]:
        """The rows of all parts that there are."""
        return sorted(self._databases.glob("part_*.db"))

    @property
    def report(self) -> Path:
        return self._result(f"{self._name}.md")

    @property
    def distances(self) -> Path:
        """Tables of distances between sets of pictures."""
        return self._result(f"{self._name}_fid.md")

    def plot(self, name: str) -> Path:
        return self._result(f"{self._name}_{name}.png")

    def picture(self, origin: Run, shot: Shot) -> Path:
        """One drawn picture; its name holds all that it depends on."""
        folder = self._pictures / origin.method.replace("/", "_") / _short(repr(astuple(origin)))
        return folder / f"{_short(repr(astuple(shot)))}.png"

    @property
    def _databases(self) -> Path:
        return ENVIRONMENT / "benchmarks" / self._run

    @property
    def _pictures(self) -> Path:
        return ROOT / "results" / "benchmarks" / self._run

    def _result(self, name: str) -> Path:
        kept = ROOT / "docs" / "results" / name
        if not self.quick and not self.dry_run and kept.exists():
            return kept
        form = DRY_RUN if self.dry_run else "quick" if self.quick else "full"
        return ROOT / "results" / "benchmarks" / form / name

    @property
    def _name(self) -> str:
        return f"{self.suite}_{DRY_RUN}" if self.dry_run else self.suite

    @property
    def _run(self) -> str:
        return f"{self._name}-quick" if self.quick else self._name


def suite_path(name: str) -> Path:
    """A suite's file by its name; ``paper/objects`` lies in ``benchmarks/paper``."""
    folder = SUITES.parent if "/" in name else SUITES
    return folder / f"{name}.toml"


def every_suite() -> list[str]:
    """The names of all suites."""
    paths = sorted(SUITES.parent.glob("*/*.toml"))
    folders = ("" if path.parent == SUITES else f"{path.parent.name}/" for path in paths)
    return [f"{folder}{path.stem}" for folder, path in zip(folders, paths, strict=True)]


def forget_other_code(host: Path, version: str) -> None:
    """Take away what other code has made in ComfyUI's folder ``host``: profiles, embeddings.

    Args:
        host: made where it is missing.
        version: of the code, from ``provenance``.
    """
    stamp = host / "version.txt"
    known = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    if known != version or CHANGED in version:
        for folder in ("user/__forget_it_all", "models/embeddings"):
            shutil.rmtree(host / folder, ignore_errors=True)
        host.mkdir(parents=True, exist_ok=True)
        stamp.write_text(version, encoding="utf-8")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
