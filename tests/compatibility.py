"""Run the node tests against any ComfyUI, with the Python that it runs with itself.

    python3 tests/compatibility.py /path/to/ComfyUI --python /its/python
    python3 tests/compatibility.py /path/to/ComfyUI tests/host/test_apply.py
    python3 tests/compatibility.py /path/to/ComfyUI tests/http tests/page

Nothing is written below ComfyUI's folder: models, outputs and this extension lie in a temporary
one. Its Python, ``venv/bin/python`` if none is given, needs pytest and hypothesis beside what
ComfyUI needs. Tests of servers and pages run in this repository's environment, which
``python3 test.py`` makes; only their ComfyUI is the other one.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "venv/Scripts/python.exe" if os.name == "nt" else "venv/bin/python"
IN_THE_HOST = "host"
"""The part of the tests that runs in ComfyUI's own process."""


def main() -> None:
    arguments = parse_arguments()
    host = arguments.comfyui.resolve()
    if not (host / "main.py").is_file() or not (host / "comfy").is_dir():
        sys.exit(f"{host}: this is no ComfyUI; give the folder with its main.py.")
    python, own = arguments.python or host / PYTHON, ROOT / ".environment" / PYTHON
    variables = {"FIA_HOST": str(host), "FIA_HOST_PYTHON": str(python)}
    inside = [test for test in arguments.tests if IN_THE_HOST in Path(test).parts]
    outside = [test for test in arguments.tests if test not in inside]
    failed = False
    if inside:
        failed |= run([python, "-P", "-m", "pytest", "--import-mode=importlib", *inside], variables)
    if outside:
        variables["PYTHONPATH"] = str(ROOT)
        failed |= run([own, "-P", "-m", "pytest", *outside], variables)
    sys.exit(failed)


def run(command: list[str | Path], variables: dict[str, str]) -> bool:
    """Whether tests failed."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables = {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    return bool(subprocess.run([*command, "-q"], cwd=ROOT, env=inherited | variables).returncode)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comfyui", type=Path, help="the folder with ComfyUI's main.py")
    parser.add_argument("--python", help="the Python that this ComfyUI runs with")
    parser.add_argument(
        "tests", nargs="*", default=["tests/host"], help="files or folders of tests"
    )
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    main()
