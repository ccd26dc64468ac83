"""A small suite, as its file would hold it, and the real host in this process."""

from argparse import Namespace
from typing import Any

import pytest

from benchmarks.cli import parser
from benchmarks.harness.places import Places
from benchmarks.harness.suite_file import parse_suite
from workbench.in_process import Extension, load_host


@pytest.fixture
def content() -> dict[str, Any]:
    """Three objects in two groups, two scenes, two seeds, two methods."""
    return {
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


def asked(command: str, *arguments: str) -> Namespace:
    """The arguments of a command of ``benchmarks/cli.py``."""
    return parser(command).parse_args(arguments)


@pytest.fixture(scope="session")
def extension() -> Extension:
    """This extension in the host, where the benchmarks run it."""
    return load_host(Places("").host)


@pytest.fixture
def hosted(extension: Extension, content: dict[str, Any]) -> Any:
    """The bundled model in the host, sampled in two steps."""
    from benchmarks.harness.hosted import HostedModel

    content["sampling"] = {"steps": 2}
    return HostedModel.of_suite(parse_suite("small", content), extension)
