"""A small suite, as its file would hold it."""

from typing import Any

import pytest


@pytest.fixture
def content() -> dict[str, Any]:
    """Three objects in two groups, two scenes, two seeds, two methods."""
    return {
        "title": "Small",
        "scenes": ["beach", "ocean", "desert"],
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
        "quick": {"seeds": [7], "groups": ["one"], "methods": ["base", "fia"]},
    }
