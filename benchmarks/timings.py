"""Common to the scripts that time graphs in the real ComfyUI: command line, report, widgets."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:
    from workbench.graph import ApiGraph


def write_timings(
    script: str, about: str | None, page: Callable[[int], Coroutine[None, None, str]]
) -> None:
    """Write and print ``docs/results/<script>.md``.

    Args:
        script: the file of the script, whose command line this is.
        about: for its help.
        page: makes the Markdown, of this number of rounds.
    """
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=about, formatter_class=raw)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    path = Path(script).resolve()
    run_in_environment(path)

    from workbench.server import end_on_signals

    end_on_signals()
    text = asyncio.run(page(rounds))
    report = ROOT / "docs" / "results" / f"{path.stem}.md"
    report.write_text(text, encoding="utf-8")
    print(text, end="")


def set_widget(graph: "ApiGraph", kind: str, widget: str, value: object) -> None:
    """In every node of a class."""
    for node in graph.values():
        if node["class_type"] == kind:
            node["inputs"][widget] = value
