"""Run the node tests against any ComfyUI, with the Python that it runs with itself.

    python3 tests/compatibility.py /path/to/ComfyUI
    python3 tests/compatibility.py /path/to/ComfyUI tests/host/test_apply.py --python /a/python
    python3 tests/compatibility.py /path/to/ComfyUI tests/http tests/page

Nothing is written below ComfyUI's folder: models, outputs and this extension lie in a temporary
one. Its Python is looked for in ``venv``, ``.venv`` and the portable's ``python_embeded``; it needs
pytest and hypothesis beside what ComfyUI needs. Tests of servers and pages run in this repository's
environment, which ``python3 test.py`` makes; only their ComfyUI is the other one.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = (
    "venv/bin/python",
    ".venv/bin/python",
    "venv/Scripts/python.exe",
    ".venv/Scripts/python.exe",
    "../python_embeded/python.exe",
)
"""Where a ComfyUI's Python may lie, from its folder."""

NEEDED = ("pytest", "hypothesis")
IN_THE_HOST = "host"
"""The part of the tests that runs in ComfyUI's own process."""

OWN_PYTHON = (
    ROOT / ".environment" / ("venv/Scripts/python.exe" if os.name == "nt" else "venv/bin/python")
)


def main() -> None:
    arguments = parse_arguments()
    host = arguments.comfyui.resolve()
    if not (host / "main.py").is_file() or not (host / "comfy").is_dir():
        sys.exit(f"{host}: this is no ComfyUI; give the folder with its main.py.")
    python = arguments.python or own_python(host)
    if subprocess.run([python, "-c", f"import {', '.join(NEEDED)}"]).returncode:
        sys.exit(f"{python}: lacks one. Try: {python} -m pip install {' '.join(NEEDED)}")
    print(f"ComfyUI {version(host)} in {host}\n{python}", flush=True)
    inside = [test for test in arguments.tests if IN_THE_HOST in Path(test).parts]
    outside = [test for test in arguments.tests if test not in inside]
    own = str(OWN_PYTHON)
    if outside and not OWN_PYTHON.exists():
        sys.exit(f"{own}: is not there. Make this repository's environment: python3 test.py ruff")
    variables = {"FIA_HOST": str(host), "FIA_HOST_PYTHON": str(python)}
    failed = False
    if inside:
        failed |= run([python, "-P", "-m", "pytest", "--import-mode=importlib", *inside], variables)
    if outside:
        variables["PYTHONPATH"] = str(ROOT)
        failed |= run([own, "-P", "-m", "pytest", *outside], variables)
    sys.exit(failed)


def run(command: list[str], variables: dict[str, str]) -> bool:
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


def own_python(host: Path) -> str:
    """The Python of a ComfyUI, or the one that runs this."""
    found = (host / place for place in PYTHONS)
    return str(next((path for path in found if path.exists()), sys.executable))


def version(host: Path) -> str:
    """What the ComfyUI calls itself."""
    text = (host / "comfyui_version.py").read_text(encoding="utf-8")
    found = re.search(r'__version__ = "(.+?)"', text)
    return found[1] if found else "of unknown version"


if __name__ == "__main__":
    main()
