"""Prompts with {learned}: who is asked by an embedding, and what is refused."""

from typing import Any

import pytest

from benchmarks.harness.shots import group_shots
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite


@pytest.fixture
def attacked(content: dict[str, Any]) -> dict[str, Any]:
    """A suite that forgets church and car and attacks church."""
    return content | {
        "kept": ["church", "cat", "car"],
        "prompts": ["{object} in {scene}", "a photo of {learned} in {scene}"],
        "groups": [{"name": "both", "concepts": ["church", "car"]}],
        "attack": {"concepts": ["church"], "iterations": 3},
    }


def asked(suite: Suite) -> list[tuple[str, str]]:
    shots = group_shots(suite, suite.groups[0], suite.conditions[0], 3, suite.prompts[1])
    return [(shot.object, shot.prompt) for shot in shots if shot.scene == "beach"]


def test_the_attacked_are_asked_by_embedding_and_the_kept_by_name(
    attacked: dict[str, Any],
) -> None:
    suite = parse_suite("small", attacked | {"kept_scenes": 3})
    assert asked(suite) == [
        ("church", "a photo of <church> in a beach"),
        ("cat", "a photo of a cat in a beach"),
    ]


def test_the_hash_goes_with_the_attack(attacked: dict[str, Any]) -> None:
    suite = parse_suite("small", attacked)
    entry = suite.entries[0]
    longer = attacked | {"attack": {"concepts": ["church"], "iterations": 4}}
    assert suite.settings_hash(entry) != parse_suite("small", longer).settings_hash(entry)
