"""Fingerprints of the graphs that each method of each suite posts, while methods are graphs."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from benchmarks.harness.drawing import Brush, shots_graph
from benchmarks.harness.method import Setup
from benchmarks.harness.registry import method
from benchmarks.harness.shots import group_shots
from benchmarks.harness.suite import load_suite
from workbench.environment import ROOT
from workbench.erasure import demo_workflow
from workbench.server import running_server

KNOWN = Path(__file__).with_name("graphs.json")


async def demo_setup(base: Path) -> Setup:
    async with running_server(base) as server:
        return Setup.of_workflow(await demo_workflow(server))


def fingerprints(setup: Setup) -> dict[str, str]:
    """By suite: a hash of the graphs of all methods, of the first group of each family."""
    found = {}
    for path in sorted((ROOT / "benchmarks").glob("*/*.toml")):
        suite = load_suite(path, dry_run=path.parent.name == "paper")
        digest = hashlib.sha256()
        for entry in suite.entries:
            for groups in suite.families.values():
                brush = Brush(method(entry.use), groups[0].concepts, entry.settings, suite.attack)
                for condition in suite.conditions:
                    own = setup.sampled_with({**suite.sampling, **condition.sampling})
                    asked = group_shots(suite, groups[0], condition, suite.seeds[0])[:2]
                    graph = shots_graph(own, brush, asked)
                    digest.update(json.dumps(graph, sort_keys=True).encode())
        found[suite.name] = digest.hexdigest()[:16]
    return found


def test_the_graphs_are_what_they_were(tmp_path: Path) -> None:
    found = fingerprints(asyncio.run(demo_setup(tmp_path)))
    if not KNOWN.exists():
        KNOWN.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        pytest.fail("written: look at it, and run again")
    assert found == json.loads(KNOWN.read_text("utf-8"))
