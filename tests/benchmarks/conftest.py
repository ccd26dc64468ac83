"""A small suite, as its file would hold it, and the real host in this process."""

from argparse import Namespace
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cli import parser
from benchmarks.harness import places as places_module
from benchmarks.harness import suite_file
from benchmarks.harness.places import SUITES, Places
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite
from benchmarks.judges.networks.needs import FOLDER_VARIABLE
from workbench.in_process import Extension, load_host

SMALL: dict[str, Any] = {
    "title": "Small",
    "scenes": ["beach", "ocean", "desert"],
    "forgotten_scenes": 3,
    "kept": ["church", "cat", "car"],
    "prompts": ["a photo of {object} in {scene}"],
    "seeds": [1, 2],
    "judges": ["demo_objects"],
    "groups": [
        {"name": "one", "concepts": ["church"]},
        {"name": "alone", "each": ["cat", "car"]},
    ],
    "methods": [
        {"use": "base"},
        {"use": "fia", "strength": 2.0},
        {"use": "fia", "label": "weak", "strength": 0.5},
    ],
}
ALL_SUITES = sorted(SUITES.parent.glob("*/*.toml"))


def suite_name(path: Path) -> str:
    """For the test's name."""
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture
def content() -> dict[str, Any]:
    """Three objects in two groups, two scenes, two seeds, two methods."""
    return deepcopy(SMALL)


@pytest.fixture
def suite(content: dict[str, Any]) -> Suite:
    return parse_suite("small", content)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Of the small suite, below a folder that is empty."""
    monkeypatch.setattr(places_module, "ROOT", tmp_path)
    return Places("small")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are looked for; empty."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def asked(command: str, *arguments: str) -> Namespace:
    """The arguments of a command of ``benchmarks/cli.py``."""
    return parser(command).parse_args(arguments)


@pytest.fixture(scope="session")
def extension() -> Extension:
    """This extension in the host, where the benchmarks run it."""
    return load_host(Places("").host)


@pytest.fixture(scope="session")
def hosted(extension: Extension) -> Any:
    """The bundled model in the host, sampled in two steps; methods leave it as it is."""
    from benchmarks.harness.hosted import HostedModel

    suite = parse_suite("small", SMALL | {"sampling": {"steps": 2}})
    return HostedModel.of_suite(suite, extension)


@pytest.fixture(scope="module")
def few_steps(extension: Extension) -> Iterator[None]:
    """Quick forms draw in two steps, and methods look at two contexts for one: what they forget
    does not count."""
    from benchmarks.harness import hosted

    few = {**hosted.DEMO_METHODS, "contexts": ("park", "room"), "profile_steps": 1, "steps": 2}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hosted, "DEMO_METHODS", few)
        patched.setattr(suite_file, "QUICK_STEPS", 2)
        yield
