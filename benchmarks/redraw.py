"""Draw a sample of a suite's pictures again: do its rows still hold with the code as it is now?

    python3 benchmarks/redraw.py objects --method fia
    python3 benchmarks/redraw.py objects --pictures 100

The rows stay as they are; the command fails where a judge sees a picture otherwise.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import astuple
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
    parser.add_argument(
        "--pictures", type=int, default=40, help="of the methods; the base model's come beside"
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from benchmarks.harness.redrawing import RedrawPlaces, differing, sample_tasks
    from benchmarks.harness.rows import Rows
    from benchmarks.harness.runner import plan, run
    from workbench.client import ServerError, WorkflowError
    from workbench.server import end_on_signals

    end_on_signals()
    try:
        suite, places = suite_of(arguments)
        own = RedrawPlaces(*astuple(places))
        before = Rows(places.rows, places.database)
        tasks = sample_tasks(plan(suite, arguments.method), before, arguments.pictures)
        own.database.unlink(missing_ok=True)
        again = Rows(own.rows, own.database)
        asyncio.run(run(suite, tasks, again, own))
        count, otherwise = differing(before, again)
    except (ValueError, ServerError, WorkflowError) as error:
        sys.exit(f"{error}")
    print("\n".join(otherwise))
    print(
        f"{count} pictures drawn again; the judges say the same of all but {len(otherwise)} values."
    )
    sys.exit(bool(otherwise))


if __name__ == "__main__":
    main()
