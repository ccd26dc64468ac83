"""The demo model as a method finds it, without a workflow behind it."""

from collections.abc import Mapping
from typing import Any

from benchmarks.harness.method import Setup


def demo_setup(defaults: Mapping[str, Mapping[str, Any]]) -> Setup:
    """With the settings that the workflow's nodes have, by class."""
    return Setup(
        nodes={"demo": {"class_type": "FIADemoModel", "inputs": {}}},
        model=["demo", 0],
        clip=["demo", 1],
        vae=["demo", 2],
        negative=["negative", 0],
        sampler={"steps": 8},
        latent={"width": 128, "height": 128, "batch_size": 1},
        defaults=defaults,
        profiled=["demo", 0],
    )
