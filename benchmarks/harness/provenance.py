"""Which commits a suite's rows were drawn from: a line each in a file beside the rows."""

import subprocess
from pathlib import Path

from workbench.environment import ROOT

CODE = ("benchmarks", "demo_model", "fia_core", "nodes", "workbench", "workflows")
CHANGED = " with uncommitted changes"


def current_commit() -> str:
    """The commit that is checked out, and whether the code differs from it; empty without git."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    if not commit:
        return ""
    return commit + (CHANGED if _git("status", "--porcelain", "--", *CODE) else "")


def note_commit(path: Path) -> None:
    """Add the current commit to the file, unless it is there."""
    commit, noted = current_commit(), noted_commits(path)
    if commit and commit not in noted:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*noted, commit]) + "\n", encoding="utf-8")


def noted_commits(path: Path) -> list[str]:
    """The commits in the file, the first one first."""
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def _git(*arguments: str) -> str:
    try:
        process = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except OSError:  # no git here
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
