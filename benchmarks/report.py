"""Write tables and plots from the rows that there are; draws nothing.

python3 benchmarks/report.py objects    one suite's
python3 benchmarks/report.py            all suites', and the page that leads to them
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)

    from benchmarks import run
    from benchmarks.harness.index import index
    from benchmarks.harness.places import SUITES, Places

    if sys.argv[1:]:
        sys.argv.append("--report")
        run.main()
        return
    names = [path.stem for path in sorted(SUITES.glob("*.toml"))]
    for name in names:
        if Places(name).rows.exists():
            sys.argv[1:] = [name, "--report"]
            run.main()
    page = Places("").results / "README.md"
    page.write_text(index(), encoding="utf-8")
    print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
