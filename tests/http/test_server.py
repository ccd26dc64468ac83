"""The server goes away with the block that started it, whatever ends the block."""

import asyncio
import socket
from pathlib import Path

import pytest

from workbench import server as module
from workbench.client import ServerError
from workbench.server import running_server


def answers(address: str) -> bool:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_an_exception_in_the_block_ends_the_server(tmp_path: Path) -> None:
    addresses: list[str] = []

    async def fail() -> None:
        async with running_server(base=tmp_path) as server:
            addresses.append(server.address)
            assert answers(server.address)
            raise RuntimeError("of the test")

    with pytest.raises(RuntimeError, match="of the test"):
        asyncio.run(fail())
    assert not answers(addresses[0])


def test_a_host_that_ends_at_its_start_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "arguments", lambda base, address: ["-c", "print('no such file')"])

    async def start() -> None:
        async with running_server(base=tmp_path):
            pass

    with pytest.raises(ServerError, match=r"ended while starting\.\nno such file"):
        asyncio.run(start())
