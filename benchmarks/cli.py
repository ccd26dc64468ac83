"""The commands on suites, which the scripts beside this file are named after.

python3 benchmarks/run.py objects              everything that is not measured yet
python3 benchmarks/run.py objects --quick      a small form of it, about a minute
python3 benchmarks/run.py objects --method fia one method (and the base model)
python3 benchmarks/run.py objects --part 2/8   an eighth of what is left: see README.md
python3 benchmarks/run.py paper/objects        a checkpoint: see paper/README.md
python3 benchmarks/run.py paper/objects --dry-run  the demo model in its place

python3 benchmarks/report.py objects           tables and plots from the rows; draws nothing
python3 benchmarks/report.py                   of all suites that have rows
python3 benchmarks/redraw.py objects --method fia  do the rows hold with the code as it is now?

python3 benchmarks/fid.py paper/quality        FID from the base model's pictures: see README.md
python3 benchmarks/fid.py paper/quality --real FOLDER  from real pictures
"""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:  # the modules need packages that only the environment has
    from benchmarks.harness.places import Places
    from benchmarks.harness.suite import Suite


def main() -> None:
    """Run the command of the script's name."""
    script = Path(sys.argv[0]).resolve()
    arguments = parser(script.stem).parse_args()
    run_in_environment(script, benchmarks=True)
    # The same sums on any number of cores, and no waiting for one that something else uses.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from workbench.server import end_on_signals

    end_on_signals()
    try:
        sys.exit(COMMANDS[script.stem](arguments))
    except ValueError as error:
        sys.exit(f"{error}")


def parser(command: str) -> ArgumentParser:
    """The arguments that a command takes."""
    made = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    made.add_argument(
        "suite",
        nargs="?" if command == "report" else None,
        help="a file of benchmarks/suites, without .toml, or paper/… or natural/…",
    )
    form = made.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="the small form, kept in results/")
    form.add_argument(
        "--dry-run", action="store_true", help="the demo model in the place of a checkpoint"
    )
    made.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="in place of the suite's in its data folder"
    )
    if command != "report":
        made.add_argument(
            "--method", action="append", default=[], help="a label in the suite; may come again"
        )
    if command == "run":
        made.add_argument("--fresh", action="store_true", help="throw their earlier rows away")
        made.add_argument("--part", type=part, metavar="I/N", help="one of N parts, on its own")
    elif command == "redraw":
        made.add_argument(
            "--pictures", type=int, default=40, help="of the methods; the base model's come beside"
        )
    elif command == "fid":
        made.add_argument("--real", type=Path, metavar="FOLDER", help="pictures to compare with")
    return made


def part(text: str) -> tuple[int, int]:
    """``"2/8"`` as numbers."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ArgumentTypeError(f"is {text!r}; write 1/8, 2/8 … 8/8")
    return int(number), int(count)


def suite_of(arguments: Namespace) -> "tuple[Suite, Places]":
    """The suite that the arguments name, checked, and its files."""
    from benchmarks.harness.places import Places, suite_path
    from benchmarks.harness.registry import check_suite
    from benchmarks.harness.suite import SuiteError
    from benchmarks.harness.suite_file import load_suite

    suite = load_suite(suite_path(arguments.suite), arguments.quick, arguments.dry_run)
    if arguments.checkpoint:
        if suite.checkpoint is None:
            raise SuiteError(f"--checkpoint: {suite.name} draws with the demo model; leave it out")
        suite = suite.model_copy(update={"checkpoint": arguments.checkpoint})
    check_suite(suite)
    return suite, Places(suite.name, arguments.quick, arguments.dry_run)


def run(arguments: Namespace) -> None:
    """Draw and judge what is missing, then write the report; a part keeps its rows for the run that
    comes after all parts."""
    from benchmarks.analysis.frames import Measured
    from benchmarks.analysis.report import write_report
    from benchmarks.harness.places import forget_other_code
    from benchmarks.harness.provenance import current_commit
    from benchmarks.harness.rows import Rows
    from benchmarks.harness.runner import part_of, plan, require_base
    from benchmarks.harness.runner import run as run_suite

    suite, places = suite_of(arguments)
    tasks = plan(suite, arguments.method)
    forget_other_code(places.host, current_commit())
    if arguments.part:
        rows = Rows(places.rows, places.part(arguments.part[0]))
        require_base(suite, rows)
        run_suite(suite, part_of(tasks, *arguments.part), rows, places)
        return
    rows = Rows(places.rows, places.database)
    for database in places.parts:
        rows.take(Rows(database=database))
        database.unlink()
    if arguments.fresh or arguments.quick or arguments.dry_run:
        rows.drop(arguments.method or [entry.label for entry in suite.entries])
    run_suite(suite, tasks, rows, places)
    rows.save()
    write_report(Measured(suite, rows), places)


def report(arguments: Namespace) -> None:
    """Write tables and plot of a suite; without one of all that have rows."""
    from benchmarks.analysis.frames import Measured
    from benchmarks.analysis.report import write_report
    from benchmarks.harness.places import Places, every_suite
    from benchmarks.harness.rows import Rows

    every = [name for name in every_suite() if Places(name).rows.exists()]
    for name in [arguments.suite] if arguments.suite else every:
        suite, places = suite_of(Namespace(**{**vars(arguments), "suite": name}))
        write_report(Measured(suite, Rows(places.rows, places.database)), places)


def fid(arguments: Namespace) -> None:
    """Write a table of FID between pictures of what should stay and the base model's of the same
    prompts and seeds, all seeds together."""
    from benchmarks.harness.frechet import distance_table

    suite, places = suite_of(arguments)
    table = distance_table(suite, places, arguments.real, arguments.method)
    options = "".join(f" {option}" for option in sys.argv[1:])
    page = f"{table}\n\nWritten by `python3 benchmarks/fid.py{options}`.\n"
    places.distances.parent.mkdir(parents=True, exist_ok=True)
    places.distances.write_text(page, "utf-8")
    print(f"{table}\n\n{places.distances.relative_to(ROOT)}")


def redraw(arguments: Namespace) -> bool:
    """Draw a sample again beside the rows, which stay; whether a judge sees one otherwise."""
    from benchmarks.harness.places import forget_other_code
    from benchmarks.harness.provenance import current_commit
    from benchmarks.harness.redrawing import differing, sample_tasks
    from benchmarks.harness.rows import Rows
    from benchmarks.harness.runner import plan
    from benchmarks.harness.runner import run as run_suite

    suite, places = suite_of(arguments)
    forget_other_code(places.host, current_commit())
    before = Rows(places.rows, places.database)
    tasks = sample_tasks(plan(suite, arguments.method), before, arguments.pictures)
    again = Rows()
    run_suite(suite, tasks, again, places)
    count, otherwise = differing(before, again)
    print("\n".join(otherwise))
    print(
        f"{count} pictures drawn again; the judges say the same of all but {len(otherwise)} values."
    )
    return bool(otherwise)


COMMANDS = {"run": run, "report": report, "fid": fid, "redraw": redraw}
