"""Put pictures of a suite side by side: a row a method, a column a prompt.

    python3 benchmarks/grid.py objects

Always of the suite's first group and first seed: the first concepts, or every prompt that asks for
the one which the suite's ``grid`` names. Draws nothing: the pictures are those that ``run.py`` has
left in ``results/``, of all methods that have drawn every one of them. The grid is kept beside the
report; ``report.py`` shows it on the page of all results.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.harness.command_line import suite_of, suite_parser  # noqa: E402
from workbench.environment import run_in_environment  # noqa: E402


def main() -> None:
    arguments = suite_parser(__doc__).parse_args()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)

    from benchmarks.harness.picture_grid import picture_grid

    try:
        suite, places = suite_of(arguments)
        grid = picture_grid(suite, places)
    except ValueError as error:
        sys.exit(f"{error}")
    grid.save(places.grid, quality=90, subsampling=0)
    print(places.grid.relative_to(ROOT))


if __name__ == "__main__":
    main()
