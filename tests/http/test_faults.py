"""A server killed while it writes, and one that starts again: files are whole or absent."""

import asyncio
import multiprocessing
import os
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from fia_core import ConceptProfile
from fia_core.files.safetensors_file import write_file
from fia_core.mask import MASK_SCHEMA
from workbench.client import Server, ServerError
from workbench.graph import ApiGraph
from workbench.server import running_server

KILLS = 12
SIZE = 4 * 2**20  # bytes; large enough that a kill falls into the writing


def write_for_ever(folder: Path, data: bytes) -> None:
    """Three files again and again, until the process is killed."""
    for number in count():
        write_file(folder / f"{number % 3}.safetensors", MASK_SCHEMA, data)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_a_process_killed_while_it_writes_leaves_whole_files(tmp_path: Path) -> None:
    data = os.urandom(SIZE)
    forked = multiprocessing.get_context("fork")
    for kill in range(KILLS):
        writer = forked.Process(target=write_for_ever, args=(tmp_path, data), daemon=True)
        writer.start()
        time.sleep(0.05 + 0.013 * kill)
        writer.kill()
        writer.join()
        for file in tmp_path.glob("*.safetensors"):
            assert file.read_bytes() == data
    assert list(tmp_path.glob("*.safetensors"))
    assert list(tmp_path.glob(".*.tmp")), "no kill fell into a write"


def test_a_server_killed_while_it_keeps_profiles_starts_again_and_draws_the_same(
    client: Any, workflow: ApiGraph, tmp_path: Path
) -> None:
    folder = tmp_path / "user" / "__forget_it_all" / "profiles"
    expected = client.wait(draw(client.server, workflow))

    async def killed() -> None:
        async with running_server(base=tmp_path) as server:
            run = asyncio.create_task(server.run(workflow))
            while not (folder.exists() and any(folder.iterdir())):
                assert not run.done(), "nothing was kept"
                await asyncio.sleep(0.001)
            server.process.kill()
            with pytest.raises(ServerError, match="ended"):
                await server.wait()
            with pytest.raises(ServerError):
                await run

    async def again() -> list[bytes]:
        async with running_server(base=tmp_path) as server:
            return await draw(server, workflow)

    asyncio.run(killed())
    for file in folder.glob("*.safetensors"):
        ConceptProfile.load(file)
    assert asyncio.run(again()) == expected
    files = sorted(folder.glob("*.safetensors"))
    assert len(files) == 2
    for file in files:
        ConceptProfile.load(file)


async def draw(server: Server, workflow: ApiGraph) -> list[bytes]:
    """All pictures that a workflow shows."""
    shown = await server.run(workflow)
    nodes = [shown[node] for node in sorted(shown) if "images" in shown[node]]
    return [picture.tobytes() for node in nodes for picture in await server.images(node)]
