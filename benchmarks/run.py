"""Run a suite of measurements through the real ComfyUI, and write its tables and plots.

    python3 benchmarks/run.py objects              everything that is not measured yet
    python3 benchmarks/run.py objects --quick      a small form of it, about a minute
    python3 benchmarks/run.py objects --method fia one method (and the base model)
    python3 benchmarks/run.py objects --ray 8      in shards on eight workers: see README.md
    python3 benchmarks/run.py paper/objects        a checkpoint: see benchmarks/paper/README.md
    python3 benchmarks/run.py paper/objects --dry-run  the same with the demo model in its place

Every picture is a row of a table in ``docs/results/rows/``. An interrupted run goes on where it
stopped; rows of other code, models or settings are not mixed with new ones. A judge that the suite
has gained looks at the pictures that are there, and nothing is drawn. A quick or dry run takes no
earlier rows.
"""

import argparse
import asyncio
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
    parser.add_argument("--fresh", action="store_true", help="throw their earlier rows away")
    parser.add_argument(
        "--ray", type=int, default=0, metavar="N", help="in shards, by this many workers of Ray"
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    # The same sums on any number of cores, and no waiting for one that something else uses.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from benchmarks.analysis.frames import Measured
    from benchmarks.analysis.report import write_report
    from benchmarks.harness.rows import Rows
    from benchmarks.harness.runner import plan, run
    from benchmarks.harness.sharding import run_sharded
    from workbench.client import ServerError, WorkflowError
    from workbench.server import end_on_signals

    end_on_signals()
    try:
        suite, places = suite_of(arguments)
        rows = Rows(places.rows, places.database)
        tasks = plan(suite, arguments.method)
        if arguments.fresh or arguments.quick or arguments.dry_run:
            rows.drop(arguments.method or [entry.label for entry in suite.entries])
        if arguments.ray:
            run_sharded(suite, tasks, rows, places, arguments.ray)
        else:
            asyncio.run(run(suite, tasks, rows, places))
        rows.save()
        write_report(Measured(suite, rows), places)
    except (ValueError, ServerError, WorkflowError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
