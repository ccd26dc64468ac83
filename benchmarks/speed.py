"""Speed, memory and file sizes, most of them at the size of real models with random weights.

    python3 benchmarks/speed.py                     all rows, about an hour on one core
    python3 benchmarks/speed.py --row statistics    one of them, or several

Every row runs in a process of its own, in the real ComfyUI, on a GPU where there is one. The two
timings of a ratio are taken in turn. A row that was measured before is replaced, the others stay.
Writes ``docs/results/speed.csv`` and ``.md``.
"""

import argparse
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

ROWS = {
    "profile-demo": "denoising.profiling_demo",
    "profile": "denoising.profiling",
    "ten-concepts": "denoising.ten_concepts",
    "forget-lora": "denoising.forget_lora",
    "statistics": "equations.statistics",
    "masked": "denoising.masked",
    "memory-sd15": "memory.of_sd15",
    "memory-sdxl": "memory.of_sdxl",
    "files": "files.files",
}
"""Name → module and function, (rounds) → figures, in the order of the report."""

RETURNED = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20)}
"""Environment in which glibc returns a freed matrix at once; else it keeps most as gaps between
others, which a process on a CPU holds, and which no counter of a GPU's memory would count."""


def measure(row: str, rounds: int) -> list[dict[str, Any]]:
    """The figures of one row, measured in this process; it can load the host only once."""
    import torch

    from workbench.in_process import load_host

    torch.set_num_threads(1)
    module, _, function = ROWS[row].partition(".")
    with TemporaryDirectory(prefix="fia-speed-") as base:
        rows = load_host(Path(base)).module(f"benchmarks.speed_rows.{module}")
        with torch.inference_mode():
            return [asdict(figure) for figure in getattr(rows, function)(rounds)]


def measure_apart(row: str, rounds: int) -> list[dict[str, Any]]:
    """``measure`` in a new process, so that no row's memory shows in another's."""
    variables = {"OMP_NUM_THREADS": "1", **(RETURNED if row.startswith("memory") else {})}
    with patch.dict(os.environ, variables), ProcessPoolExecutor(1, get_context("spawn")) as apart:
        return apart.submit(measure, row, rounds).result()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--machine", default=platform.machine(), help="in words, for the page")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "docs" / "results", help="folder of the report"
    )
    asked = parser.parse_args()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)

    from benchmarks.harness.provenance import current_commit
    from benchmarks.speed_rows.figures import Figure, cells, merged, read_figures, write_figures

    path = asked.results.resolve() / "speed.csv"
    for row in asked.row:
        print(f"{row} …", flush=True)
        commit = current_commit()  # as the row begins
        found = [Figure(**figure) for figure in measure_apart(row, asked.rounds)]
        new = [
            replace(one, row=row, commit=commit, conditions=f"{one.conditions}; {asked.machine}")
            for one in found
        ]
        write_figures(path, merged(read_figures(path), new, tuple(ROWS)))
        print(*(" | ".join(cells(one)) for one in new), sep="\n", flush=True)


if __name__ == "__main__":
    main()
