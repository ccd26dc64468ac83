"""Where a suite's files lie."""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

from workbench.environment import ENVIRONMENT, ROOT

from .ledger import Origin
from .shots import Shot

SUITES = ROOT / "benchmarks" / "suites"
BASE = ENVIRONMENT / "benchmarks"
"""ComfyUI's folder for the benchmarks."""


@dataclass(frozen=True)
class Places:
    """Files of one suite; those of a quick run lie apart and are not meant to be kept."""

    suite: str
    quick: bool = False

    @property
    def results(self) -> Path:
        """The folder of rows, report and plots."""
        return (
            ROOT / "results" / "benchmarks" / "quick" if self.quick else ROOT / "docs" / "results"
        )

    @property
    def rows(self) -> Path:
        return self.results / f"{self.suite}.csv"

    @property
    def report(self) -> Path:
        return self.results / f"{self.suite}.md"

    def plot(self, name: str) -> Path:
        return self.results / f"{self.suite}_{name}.png"

    def picture(self, origin: Origin, shot: Shot) -> Path:
        """One drawn picture; its name holds all that it depends on."""
        return self._drawn(origin) / f"{_short(repr(astuple(shot)))}.png"

    def mask(self, origin: Origin) -> Path:
        """The method's neuron mask for a group."""
        return self._drawn(origin) / "mask.safetensors"

    def _drawn(self, origin: Origin) -> Path:
        name = f"{self.suite}-quick" if self.quick else self.suite
        folder = ROOT / "results" / "benchmarks" / name / origin.method.replace("/", "_")
        return folder / _short(repr(astuple(origin)))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
