"""The core stands alone: torch, numpy, safetensors and the standard library, nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import fia_core
from fia_core.version import VERSION

CORE = Path(fia_core.__file__).parent
ALLOWED = {"torch", "numpy", "safetensors"} | set(sys.stdlib_module_names)


def test_imports_are_relative_or_allowed() -> None:
    for path in CORE.rglob("*.py"):
        depth = len(path.relative_to(CORE).parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= ALLOWED, path
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module is not None
                assert node.module.split(".")[0] in ALLOWED, path
            elif isinstance(node, ast.ImportFrom):
                assert 1 <= node.level <= depth, path


def test_every_public_name_is_documented() -> None:
    for name in fia_core.__all__:
        value = getattr(fia_core, name)
        if callable(value) and value is not fia_core.LayerShapes:
            assert value.__doc__, name


def test_importing_the_core_brings_no_host() -> None:
    code = "import sys, fia_core; print([m for m in sys.modules if m.split('.')[0] == 'comfy'])"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_version_is_the_packages() -> None:
    package = (CORE.parent / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{VERSION}"\n' in package
