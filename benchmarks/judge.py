"""Let judges that a suite has gained look at the pictures that were drawn before; draws nothing.

python3 benchmarks/judge.py objects
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.harness.command_line import suite_of, suite_parser  # noqa: E402
from workbench.environment import run_in_environment  # noqa: E402


def main() -> None:
    arguments = suite_parser(__doc__).parse_args()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from benchmarks.analysis.frames import Measured
    from benchmarks.analysis.report import write_report
    from benchmarks.harness.late_judging import judge_drawn
    from benchmarks.harness.ledger import Ledger

    try:
        suite, places = suite_of(arguments)
        ledger = Ledger(places.rows)
        print(f"{judge_drawn(suite, ledger, places):,} rows")
        write_report(Measured(suite, ledger.rows), places)
    except ValueError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
