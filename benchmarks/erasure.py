"""How well concepts are forgotten and the rest kept: one at a time, and ten at once.

    python3 benchmarks/erasure.py                        everything, some hours on two cores
    python3 benchmarks/erasure.py --concepts church      one concept only
    python3 benchmarks/erasure.py --report               only write the tables again

Draws through the real ComfyUI with prompts and seeds that profiling did not use. Every shot is a
row of ``docs/results/erasure.csv``; an interrupted run goes on where it stopped. Rows of another
model, workflow or code are not added to: ``--fresh`` throws them away.
"""

import argparse
import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

RESULTS = ROOT / "docs" / "results"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--concepts", default="", help="of the ten, comma between; all by default")
    parser.add_argument("--no-ten", action="store_true", help="leave out the ten at once")
    parser.add_argument("--strengths", default="1, 1.5, 2", help="comma between (1, 1.5, 2)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kept-scenes", type=int, default=2, help="a seed, of 6 (default 2)")
    parser.add_argument("--fresh", action="store_true", help="throw earlier rows away")
    parser.add_argument("--report", action="store_true", help="draw nothing, write the tables")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    run_in_environment(Path(__file__).resolve())

    from demo_model.vocabulary import IMAGENETTE
    from workbench.erasure import Case
    from workbench.measurement import Ledger, measure
    from workbench.server import end_on_signals
    from workbench.tables import erasure_report

    strengths = [float(text) for text in arguments.strengths.split(",")]
    wanted = [name.strip() for name in arguments.concepts.split(",") if name.strip()]
    groups: list[tuple[str, ...]] = [(name,) for name in wanted or IMAGENETTE]
    if not arguments.no_ten:
        groups.append(IMAGENETTE)
    cases = [Case(group, strength) for group in groups for strength in strengths]

    end_on_signals()
    ledger = Ledger(RESULTS / "erasure.csv", fresh=arguments.fresh)
    if not arguments.report:
        seeds = range(1, arguments.seeds + 1)
        asyncio.run(measure(ledger, cases, seeds, arguments.kept_scenes))
    report = erasure_report(ledger.rows)
    (RESULTS / "erasure.md").write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
