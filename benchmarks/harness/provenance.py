"""Which commit drew a suite's rows, and whether the code that draws has changed since."""

import hashlib
import subprocess
from functools import cache
from pathlib import Path

from workbench.environment import ROOT

from .suite import Suite, SuiteError

CODE = (
    "fia_core",
    "nodes",
    "demo_model",
    ":(exclude)demo_model/training",
    ":(exclude)demo_model/*.md",
    "benchmarks/forget",
    *(f"benchmarks/harness/{name}.py" for name in ("hosted", "sampling", "shots")),
)
"""The code that draws pictures."""

PART = 1 << 24  # bytes read at once

CHANGED = "+"
"""After a commit: the code differed from it."""


def current_commit() -> str:
    """The commit that is checked out, and a sign where the code differs; empty without git."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    return commit + (CHANGED if commit and _git("status", "--porcelain", "--", *CODE) else "")


def drawn_by(suite: Suite) -> str:
    """For the rows: the commit, and the checkpoint where the suite has one."""
    commit = current_commit()
    return f"{commit} {fingerprint(suite.checkpoint)[:8]}" if suite.checkpoint else commit


@cache
def has_changed(drawn: str) -> bool:
    """Whether the code that draws is no longer that of a commit; true where nobody can tell."""
    commit = drawn.partition(" ")[0].rstrip(CHANGED)
    command = ["git", "diff", "--quiet", commit, "--", *CODE]
    return not commit or subprocess.run(command, cwd=ROOT, capture_output=True).returncode != 0


@cache
def fingerprint(checkpoint: Path) -> str:
    """A hash of the file's content.

    Raises:
        SuiteError: the file is not there.
    """
    if not checkpoint.is_file():
        raise SuiteError(
            f"checkpoint: {checkpoint} is not there; put it there, or name the file with "
            "--checkpoint. With --dry-run the bundled demo model stands in for it."
        )
    digest = hashlib.sha256()
    with checkpoint.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
    return digest.hexdigest()


def _git(*arguments: str) -> str:
    try:
        process = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except OSError:  # no git here
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
