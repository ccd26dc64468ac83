"""Speed, memory and file sizes at the size of real models, with random weights.

    python3 benchmarks/true_size.py                     all rows, about an hour on one core
    python3 benchmarks/true_size.py --row selection     one of them, or several
    python3 benchmarks/true_size.py --device cuda       on a GPU, which is used where there is one

Every row runs in a process of its own, in the real ComfyUI. The two timings of a ratio are taken in
turn. A row that was measured before is replaced, the others stay. Writes
``docs/results/true_size.md`` and ``.csv``.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.true_size_rows.figures import (  # noqa: E402
    HEADER,
    Figure,
    merged,
    read_csv,
    write_csv,
)
from benchmarks.true_size_rows.settings import ROWS, environment  # noqa: E402
from workbench.environment import run_in_environment  # noqa: E402

RESULTS = ROOT / "docs" / "results"
INTRODUCTION = """# True size, true speed

Written by `python3 benchmarks/true_size.py`. UNets of the host's own classes at the size of Stable
Diffusion 1.5 and XL, with random weights: they draw nothing, but every weight, activation and file
has its true size. The two timings of a ratio run in turn, each first in every other round. A row's
conditions say what was made smaller to fit the time, and on what machine it ran. One thread on a
CPU is timed by its own CPU seconds, all else by the clock. Memory *in use* is that of a process
told to return what it frees (glibc's `MALLOC_MMAP_THRESHOLD_`), as a GPU's allocator counts it;
other rows of memory are what a process on a CPU holds, gaps included. Profiling now keeps 13 bytes
a weight for one concept, all of it made before sampling; the rows here are older. Rows about
selection, fusion and files use ten profiles at the size of SD 1.5, which the first of them makes in
`results/true_size/`.
"""


def measure(row: str, asked: argparse.Namespace) -> list[Figure]:
    """The figures of one row, from a process of its own."""
    from benchmarks.harness.provenance import current_commit

    commit = current_commit()  # as the row begins
    with TemporaryDirectory() as scratch:
        output = Path(scratch) / "figures.csv"
        options = {key: getattr(asked, key) for key in ("rounds", "side", "threads", "machine")}
        program = [sys.executable, "-m", "benchmarks.true_size_rows.run_row"]
        variables = {
            **os.environ,
            **environment(row),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": str(asked.threads),
            **({"CUDA_VISIBLE_DEVICES": ""} if asked.device == "cpu" else {}),
        }
        command = [*program, row, str(output), json.dumps(options)]
        subprocess.run(command, check=True, cwd=scratch, env=variables)
        return [replace(figure, commit=commit) for figure in read_csv(output)]


def report(figures: list[Figure]) -> str:
    """The table."""
    return "\n".join((INTRODUCTION, HEADER, *(figure.line() for figure in figures))) + "\n"


def device_in_words(device: str) -> str:
    """The name of the GPU that will be used, or the kind of CPU; ends where it is not there."""
    import torch

    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if device == "cuda":
        sys.exit(
            "--device cuda: PyTorch finds no CUDA device. Install its CUDA build, or leave it out."
        )
    return f"{platform.machine()} CPU"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=256, help="pixels, of the row “profile”")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--machine", help="in words, for the report; else the device's name")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the report")
    asked = parser.parse_args()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)

    asked.machine = asked.machine or device_in_words(asked.device)
    asked.results = asked.results.resolve()
    table = asked.results / "true_size.csv"
    for row in asked.row:
        print(f"{row} …", flush=True)
        new = measure(row, asked)
        figures = merged(read_csv(table), new, tuple(ROWS))
        write_csv(table, figures)
        table.with_suffix(".md").write_text(report(figures), encoding="utf-8")
        for figure in new:
            print(figure.line(), flush=True)


if __name__ == "__main__":
    main()
