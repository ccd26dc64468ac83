"""What the Comfy Registry would give a person: nothing missing, nothing needless.

Its command-line tool packs the files that git knows, less those that ``.comfyignore`` names.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LARGEST_PACKAGE = 50 * 2**20  # bytes, before it is compressed
LARGEST_ICON = 400  # pixels

LOAD = """
import asyncio, sys
host, base = sys.argv[1:]
sys.path.insert(0, host)
from comfy.cli_args import args
args.cpu, args.base_directory = True, base
import utils.extra_config
import nodes
asyncio.run(nodes.init_external_custom_nodes())
nodes.NODE_CLASS_MAPPINGS["FIADemoModel"].execute()
print("loaded:", *sorted(name for name in nodes.NODE_CLASS_MAPPINGS if name.startswith("FIA")))
"""


def git_files(*options: str) -> set[str]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *options]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def packed() -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository: what git would pack is unknown")
    return git_files() - git_files("--cached", "--ignored", f"--exclude-from={ROOT}/.comfyignore")


def test_only_what_a_person_uses_is_packed(packed: set[str]) -> None:
    assert {name.partition("/")[0] for name in packed} <= {
        "LICENSE",
        "NOTICE",
        "README.md",
        "__init__.py",
        "demo_model",
        "fia_core",
        "locales",
        "nodes",
        "pyproject.toml",
        "requirements.txt",
        "subgraphs",
        "web",
        "workflows",
    }
    assert {name for name in packed if name.startswith("demo_model/")} == {
        "demo_model/MODEL_CARD.md",
        "demo_model/__init__.py",
        "demo_model/architecture.py",
        "demo_model/loader.py",
        "demo_model/weights.safetensors",
    }
    for name in ("web/docs/FIAApplyNeuronMask.md", "locales/zh/nodeDefs.json"):
        assert name in packed  # no pattern reaches further than it should
    assert sum((ROOT / name).stat().st_size for name in packed) < LARGEST_PACKAGE


def test_the_package_works_alone(packed: set[str], extension: Any, tmp_path: Path) -> None:
    """The host loads it with all nodes, and the bundled model with it."""
    for name in packed:
        target = tmp_path / "custom_nodes" / "forget-it-all" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    host = os.environ["FIA_HOST"]
    run = subprocess.run(
        [sys.executable, "-P", "-c", LOAD, host, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    names = sorted(node.GET_SCHEMA().node_id for node in extension.module("nodes").NODES)
    assert f"loaded: {' '.join(names)}" in run.stdout, run.stderr[-2000:]


def test_the_icon_is_as_the_registry_wants_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (name,) = re.findall(r'^Icon = "([^"]+)"', text, re.MULTILINE)
    with Image.open(ROOT / name) as icon:
        assert icon.width == icon.height <= LARGEST_ICON
