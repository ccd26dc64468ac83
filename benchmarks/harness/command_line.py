"""What the commands that work on a suite share: which suite, in which form."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the modules need packages that only the environment has
    from .places import Places
    from .suite import Suite


def suite_parser(description: str | None, optional: bool = False) -> ArgumentParser:
    """With the suite's name, which may be ``optional``, ``--quick`` or ``--dry-run``, and
    ``--checkpoint``; a command adds its own arguments."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument(
        "suite",
        nargs="?" if optional else None,
        help="a file of benchmarks/suites, without .toml, or paper/…",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="the small form, kept in results/")
    form.add_argument(
        "--dry-run", action="store_true", help="the demo model in the place of a checkpoint"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="in place of the suite's in its data folder"
    )
    return parser


def add_method_argument(parser: ArgumentParser) -> None:
    """``--method``, none or several."""
    parser.add_argument(
        "--method", action="append", default=[], help="a label in the suite; may come again"
    )


def suite_of(arguments: Namespace) -> "tuple[Suite, Places]":
    """The suite that the arguments name, checked, and its files.

    Raises:
        SuiteError: there is none of that name, or it cannot be run.
    """
    from .checkpoint import with_checkpoint
    from .places import Places, suite_path
    from .registry import check_suite
    from .suite import load_suite

    suite = load_suite(suite_path(arguments.suite), arguments.quick, arguments.dry_run)
    if arguments.checkpoint:
        suite = with_checkpoint(suite, arguments.checkpoint)
    check_suite(suite)
    return suite, Places(suite.name, arguments.quick, arguments.dry_run)
