"""Common to the scripts that time graphs in the real ComfyUI: command line, report, rounds."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:
    from workbench.client import Server
    from workbench.graph import ApiGraph

WARM_UP = 2  # rounds


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
    run_in_environment(path, benchmarks=True)

    from workbench.server import end_on_signals

    end_on_signals()
    text = asyncio.run(page(rounds))
    report = ROOT / "docs" / "results" / f"{path.stem}.md"
    report.write_text(text, encoding="utf-8")
    print(text, end="")


async def in_turn(
    server: "Server",
    graphs: "tuple[ApiGraph, ApiGraph]",
    rounds: int,
    change: Callable[[int], None],
) -> list[tuple[float, float]]:
    """Seconds of both graphs in every round, each of them first in every other one.

    Args:
        server: runs them, also in ``WARM_UP`` rounds that do not count.
        graphs: are posted again and again.
        rounds: that count.
        change: is told a round's number, and changes both so that the host has to work.
    """
    times: list[tuple[float, float]] = []
    for number in range(WARM_UP + rounds):
        change(number)
        seconds = [0.0, 0.0]
        for which in (0, 1) if number % 2 else (1, 0):
            start = time.perf_counter()
            await server.run(graphs[which])
            seconds[which] = time.perf_counter() - start
        times.append((seconds[0], seconds[1]))
    return times[WARM_UP:]


def set_widget(graph: "ApiGraph", kind: str, widget: str, value: object) -> None:
    """In every node of a class."""
    for node in graph.values():
        if node["class_type"] == kind:
            node["inputs"][widget] = value
