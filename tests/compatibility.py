"""Run the node tests against any ComfyUI, with the Python that it runs with itself.

    python3 tests/compatibility.py /path/to/ComfyUI
    python3 tests/compatibility.py /path/to/ComfyUI tests/host/test_apply.py --python /a/python

Nothing is written below ComfyUI's folder: models, outputs and this extension lie in a temporary
one. Its Python is looked for in ``venv``, ``.venv`` and the portable's ``python_embeded``; it needs
pytest and hypothesis beside what ComfyUI needs.
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


def main() -> None:
    arguments = parse_arguments()
    host = arguments.comfyui.resolve()
    if not (host / "main.py").is_file() or not (host / "comfy").is_dir():
        sys.exit(f"{host}: this is no ComfyUI; give the folder with its main.py.")
    python = arguments.python or own_python(host)
    if subprocess.run([python, "-c", f"import {', '.join(NEEDED)}"]).returncode:
        sys.exit(f"{python}: lacks one. Try: {python} -m pip install {' '.join(NEEDED)}")
    print(f"ComfyUI {version(host)} in {host}\n{python}", flush=True)
    command = [python, "-P", "-m", "pytest", "--import-mode=importlib", "-q", *arguments.tests]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables = {"FIA_HOST": str(host), "PYTHONDONTWRITEBYTECODE": "1"}
    status = subprocess.run(command, cwd=ROOT, env=inherited | variables)
    sys.exit(status.returncode)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comfyui", type=Path, help="the folder with ComfyUI's main.py")
    parser.add_argument("--python", help="the Python that this ComfyUI runs with")
    parser.add_argument("tests", nargs="*", default=["tests/host"], help="files of tests/host")
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
