"""What the Comfy Registry would give a person: nothing missing, nothing needless.

Its command-line tool packs the files that git knows, less those that ``.comfyignore`` names.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LARGEST_PACKAGE = 50 * 2**20  # bytes, before it is compressed
LARGEST_ICON = 400  # pixels
PUBLISH = ROOT / ".github" / "workflows" / "publish.yml"
NO_COMMIT = "0" * 40  # what GitHub calls the commit before a new branch

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

SUSPECTS = re.compile(
    r"\.(?:connect|bind|send|sendall|recv|accept|exec|system|popen|spawn)\s*\("
    r"|\b(?:listen|eval|exec|fetch|__import__)\s*\(|(?<![\w.])compile\s*\(|\bnew Function\b"
    r"|\bos\.(?:environ|getenv)|\b(?:subprocess|socket|urllib|httpx|ctypes|importlib)\b"
    r"|\brequests\.\w+\s*\(|\b(?:ClientSession|XMLHttpRequest|WebSocket|marshal|pickle)\b"
    r"|\b(?:base64|b64encode|b64decode|atob|btoa|zlib|lzma|gzip|bz2)\b"
)
"""What the registry's scanner takes for network, shell or hidden code, as publishers report. It
looks for words in files of any language, and one of them holds a version back."""

NEEDED = {
    "fia_core/files/compression.py": {"zlib"},
    "fia_core/files/safetensors_file.py": {"zlib"},
    "fia_core/mask_text.py": {"base64", "b64encode", "b64decode", "lzma"},
}
"""How masks become small files, and text in a workflow."""


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
    texts = "LICENSE NOTICE README.md __init__.py pyproject.toml requirements.txt"
    folders = "demo_model fia_core locales nodes subgraphs web workflows"
    assert {name.partition("/")[0] for name in packed} == {*texts.split(), *folders.split()}
    model = "MODEL_CARD.md __init__.py architecture.py eight_bits.py loader.py weights.safetensors"
    demo = {name for name in packed if name.startswith("demo_model/")}
    assert demo == {f"demo_model/{name}" for name in model.split()}
    for name in ("web/docs/FIAApplyNeuronMask.md", "locales/zh/nodeDefs.json"):
        assert name in packed  # no pattern reaches further than it should
    assert sum((ROOT / name).stat().st_size for name in packed) < LARGEST_PACKAGE


def test_the_registrys_scanner_has_little_to_find(packed: set[str]) -> None:
    texts = [name for name in packed if name.endswith((".py", ".js", ".json", ".md", ".css"))]
    found = {name: set(SUSPECTS.findall((ROOT / name).read_text("utf-8"))) for name in texts}
    assert {name: words for name, words in found.items() if words} == NEEDED


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


def test_pip_replaces_no_torch_and_the_registrys_name_can_stay() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^dependencies = (.*)", text, re.MULTILINE)
    assert listed == '["numpy", "safetensors"]'
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["numpy", "safetensors"]
    (name,) = re.findall(r'^name = "(.*)"', text, re.MULTILINE)
    assert "comfyui" not in name  # the registry's rule


def test_the_templates_name_the_pack_and_its_version() -> None:
    """So that a page without it offers to install it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (name,) = re.findall(r'^name = "(.*)"', text, re.MULTILINE)
    (version,) = re.findall(r'^version = "(.*)"', text, re.MULTILINE)
    for file in (ROOT / "workflows").glob("*.json"):
        workflow = json.loads(file.read_text(encoding="utf-8"))
        parts = [workflow, *workflow.get("definitions", {}).get("subgraphs", [])]
        ours = [node for part in parts for node in part["nodes"] if node["type"][:3] == "FIA"]
        assert ours
        for node in ours:
            assert node["properties"]["cnr_id"] == name, file.name
            assert node["properties"]["ver"] == version, file.name


def test_banner_and_icon_are_as_the_registry_wants_them() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (banner,) = re.findall(r'^Banner = "([^"]+)"', text, re.MULTILINE)
    (icon,) = re.findall(r'^Icon = "([^"]+)"', text, re.MULTILINE)
    with Image.open(ROOT / banner) as image:
        assert image.width * 9 == image.height * 21
    with Image.open(ROOT / icon) as image:
        assert image.width == image.height <= LARGEST_ICON


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """A repository with this one's project file and README, in three commits; the second is a
    new version."""
    folder = tmp_path / "pushed"
    folder.mkdir()
    git(folder, "init", "--quiet")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    shutil.copyfile(ROOT / "README.md", folder / "README.md")
    newer = re.sub('^version = ".*"', 'version = "99.0.0"', project, flags=re.MULTILINE)
    for text in (project, newer, newer + "\n# the same version\n"):
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        git(folder, "add", ".")
        author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        git(folder, *author, "commit", "--quiet", "--message=one")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def run_step(start: str, folder: Path, **variables: str) -> str:
    """Run the step of publish.yml whose name starts so as GitHub does; what it puts out."""
    steps = yaml.safe_load(PUBLISH.read_text(encoding="utf-8"))["jobs"]["publish"]["steps"]
    (script,) = (step["run"] for step in steps if step.get("name", "").startswith(start))
    output = folder.with_name("output")
    output.write_text("")
    own = {
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_OUTPUT": str(output),
        "GITHUB_REPOSITORY": "someone/forget-it-all",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_SHA": git(folder, "rev-parse", "HEAD"),
    }
    environment = os.environ | own | variables
    subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=True)
    return output.read_text()


publishing = pytest.mark.skipif(sys.platform != "linux", reason="GitHub publishes on Linux")


@publishing
@pytest.mark.parametrize(
    ("event", "before", "new"),
    [
        ("push", "HEAD~2", True),
        ("push", "HEAD~1", False),
        ("push", NO_COMMIT, True),
        ("push", "1" * 40, True),  # before a forced push
        ("workflow_dispatch", "", True),
    ],
)
def test_a_new_version_is_published(pushed: Path, event: str, before: str, new: bool) -> None:
    put_out = run_step("Look for", pushed, GITHUB_EVENT_NAME=event, BEFORE=before)
    assert put_out == ("new=true\n" if new else "")


@publishing
def test_the_published_readme_links_to_what_the_package_leaves_out(pushed: Path) -> None:
    run_step("Name this repository", pushed)
    commit = git(pushed, "rev-parse", "HEAD")
    files = f"https://raw.githubusercontent.com/someone/forget-it-all/{commit}"
    pages = f"https://github.com/someone/forget-it-all/blob/{commit}"
    before, after = (
        re.findall(r"(!?)\[[^]]*\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
        for folder in (ROOT, pushed)
    )
    assert after == [
        (mark, link if link.startswith(("http", "#")) else f"{files if mark else pages}/{link}")
        for mark, link in before
    ]
    links = [link for _, link in before]
    assert "docs/before_after.jpg" in links
    for link in links:
        assert link.startswith(("http", "#")) or (ROOT / link.partition("#")[0]).exists()
    project = (pushed / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nIcon = "{files}/docs/icon.png"' in project
    assert f'\nBanner = "{files}/docs/banner.jpg"' in project
    assert project.endswith(f'Issues = "{pages.partition("/blob/")[0]}/issues"\n')
