"""Write a suite's tables and plots from the rows that there are; draws nothing.

python3 benchmarks/report.py objects
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if __name__ == "__main__":
    from benchmarks import run

    sys.argv.append("--report")
    run.main()
