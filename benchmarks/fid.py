"""How far the pictures of what should stay have moved, set against set: Fréchet distances.

    python3 benchmarks/fid.py quality                       by the features of the second judge
    python3 benchmarks/fid.py quality --method fia          of one method
    python3 benchmarks/fid.py quality --features inception  FID; see the README for its weights
    python3 benchmarks/fid.py quality --real FOLDER         from real pictures, not the base model's

Compares the pictures that the suite has drawn, all seeds together, with the base model's pictures
of the same prompts and seeds, and writes a table beside the suite's report.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.harness.command_line import (  # noqa: E402
    add_method_argument,
    suite_of,
    suite_parser,
)
from workbench.environment import run_in_environment  # noqa: E402


def parse_arguments() -> argparse.Namespace:
    parser = suite_parser(__doc__)
    add_method_argument(parser)
    parser.add_argument("--features", choices=("judge", "inception"), default="judge")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="pictures to compare with")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from benchmarks.harness.picture_sets import distance_table

    try:
        suite, places = suite_of(arguments)
        table = distance_table(suite, places, arguments.features, arguments.real, arguments.method)
    except ValueError as error:
        sys.exit(f"{error}")
    options = "".join(f" {option}" for option in sys.argv[1:])
    page = f"{table}\n\nWritten by `python3 benchmarks/fid.py{options}`.\n"
    places.distances.write_text(page, "utf-8")
    print(f"{table}\n\n{places.distances.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
