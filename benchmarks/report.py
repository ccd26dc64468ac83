"""Write tables and plots from the rows that there are; draws nothing.

python3 benchmarks/report.py objects    one suite's
python3 benchmarks/report.py            all suites', and the page that leads to them
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.harness.command_line import suite_of, suite_parser  # noqa: E402
from workbench.environment import run_in_environment  # noqa: E402


def main() -> None:
    parser = suite_parser(__doc__, optional=True)
    arguments = parser.parse_args()
    if not arguments.suite and len(sys.argv) > 1:
        parser.error("name the suite that is meant")
    run_in_environment(Path(__file__).resolve(), benchmarks=True)

    from benchmarks.analysis.frames import Measured
    from benchmarks.analysis.page import page
    from benchmarks.analysis.report import write_report
    from benchmarks.harness.places import SUITES, Places
    from benchmarks.harness.rows import Rows

    every = [path.stem for path in sorted(SUITES.glob("*.toml")) if Places(path.stem).rows.exists()]
    asked = [arguments] if arguments.suite else [parser.parse_args([name]) for name in every]
    suites = []
    try:
        for one in asked:
            suite, places = suite_of(one)
            suites.append(Measured(suite, Rows(places.rows, places.database)))
            write_report(suites[-1], places)
    except ValueError as error:
        sys.exit(f"{error}")
    if not arguments.suite:
        path = Places("").results / "README.md"
        path.write_text(page(suites), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
