"""Where a suite's files lie."""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

from workbench.environment import ENVIRONMENT, ROOT

from .ledger import Origin
from .shots import Shot

SUITES = ROOT / "benchmarks" / "suites"


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
    def server(self) -> Path:
        """ComfyUI's folder, the suite's own, so that suites may run side by side."""
        return ENVIRONMENT / "benchmarks" / self._name

    @property
    def rows(self) -> Path:
        return self.results / f"{self.suite}.csv"

    @property
    def commits(self) -> Path:
        return self.results / f"{self.suite}.commits"

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
        method = origin.method.replace("/", "_")
        folder = ROOT / "results" / "benchmarks" / self._name / method
        return folder / _short(repr(astuple(origin)))

    @property
    def _name(self) -> str:
        return f"{self.suite}-quick" if self.quick else self.suite


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
