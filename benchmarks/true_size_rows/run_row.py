"""Measure one row in a process of its own, so that no row's memory shows in another's.

A program of its own: ``benchmarks/true_size.py`` starts it with ``-m``, the root on the path only
until the host is loaded.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp

import torch


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("row")
    parser.add_argument("output", type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--machine", required=True)
    asked = parser.parse_args()
    sys.argv[1:] = []  # the host reads the command line, too
    torch.set_num_threads(asked.threads)

    from workbench.in_process import load_host

    from .bench import Bench
    from .figures import write_csv
    from .names import NAMES

    extension = load_host(Path(mkdtemp(prefix="fia-true-size-")))
    bench = Bench(extension, asked.row, asked.rounds, asked.side, asked.machine)
    module, _, function = NAMES[asked.row].partition(".")
    measure = getattr(import_module(f"{__package__}.{module}"), function)
    with torch.inference_mode():
        write_csv(asked.output, measure(bench))


if __name__ == "__main__":
    main()
