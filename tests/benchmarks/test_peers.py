"""The peers as methods: each draws another picture than the base model, through a real ComfyUI."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.harness.drawing import Brush, draw, prepare
from benchmarks.harness.method import Setup
from benchmarks.harness.registry import method, packs
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import Entry
from workbench.erasure import demo_workflow
from workbench.server import running_server

FORGOTTEN = ("church", "golf ball")
SHOT = Shot("church", "desert", "", "a photo of a church in a desert", 1)
SETTINGS: dict[str, dict[str, Any]] = {
    "base": {},
    "uce": {"preserve": ["church", "cat"]},
    "concept_prune": {"contexts": ["park", "room"], "profile_steps": 2},
    "sld": {},
    "esdx": {"iterations": 2, "schedule_steps": 2},
}


async def draw_all(base: Path) -> dict[str, tuple[Image.Image, str]]:
    """A picture by every method in few steps, and the file of its mask."""
    entries = [
        Entry(label=name, use=name, settings=settings) for name, settings in SETTINGS.items()
    ]
    drawn = {}
    async with running_server(base, packs=packs(entries)) as server:
        setup = Setup.of_workflow(await demo_workflow(server)).sampled_with({"steps": 8})
        for entry in entries:
            brush = Brush(method(entry.use), FORGOTTEN, entry.settings)
            mask, _ = await prepare(server, setup, brush)
            (picture,), _ = await draw(server, setup, brush, [SHOT])
            drawn[entry.label] = picture, mask
    return drawn


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Image.Image, str]]:
    return asyncio.run(draw_all(tmp_path_factory.mktemp("comfyui")))


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - {"base"}))
def test_a_peer_draws_another_picture(drawn: dict[str, tuple[Image.Image, str]], name: str) -> None:
    plain, changed = (np.asarray(drawn[label][0], dtype=float) for label in ("base", name))
    assert plain.std() > 10, "there is something in the picture"
    assert np.abs(changed - plain).mean() > 0.1


def test_only_concept_prune_has_a_mask(drawn: dict[str, tuple[Image.Image, str]]) -> None:
    assert [name for name, (_, mask) in drawn.items() if mask] == ["concept_prune"]


@pytest.mark.parametrize(("kept", "scale"), [(0, 1.0), (1, 0.5), (19, 0.1), (30, 0.1)])
def test_uce_weighs_preserved_texts_by_their_number(kept: int, scale: float) -> None:
    """The empty text is one of them; not below 0.1, as in the authors' first script."""
    link = ["Demo Model", 0]
    setup = Setup({}, link, link, link, link, {}, {}, {}, link)
    draft = setup.draft()
    preserve = ["church", *(f"thing {number}" for number in range(kept))]
    method("uce").build(draft, setup, ("church",), {"preserve": preserve})
    (node,) = draft.nodes.values()
    assert node["inputs"]["preserve_scale"] == pytest.approx(scale)
    assert "church" not in node["inputs"]["preserve"], "it is to be forgotten"
