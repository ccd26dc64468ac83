"""Measure one row in a process of its own, so that no row's memory shows in another's.

A program of its own: ``benchmarks/true_size.py`` starts it with ``-m``, the root on the path only
until the host is loaded. Its arguments are the row, the file to write and ``Bench``'s numbers.
"""

import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp

import torch


def main() -> None:
    row, output, options = sys.argv[1:]
    sys.argv[1:] = []  # the host reads the command line, too
    asked = json.loads(options)
    torch.set_num_threads(asked["threads"])

    from workbench.in_process import load_host

    from .bench import Bench
    from .figures import write_csv
    from .settings import ROWS

    extension = load_host(Path(mkdtemp(prefix="fia-true-size-")))
    module, _, function = ROWS[row].partition(".")
    measure = getattr(import_module(f"{__package__}.{module}"), function)
    with torch.inference_mode():
        figures = [*measure(Bench(extension, asked["rounds"], asked["side"]))]
    for number, figure in enumerate(figures):
        words = f"{figure.conditions}; {asked['machine']}"
        figures[number] = replace(figure, row=row, conditions=words)
    write_csv(Path(output), figures)


if __name__ == "__main__":
    main()
