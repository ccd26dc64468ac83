"""The server goes away with the block that started it, whatever ends the block."""

import asyncio
from pathlib import Path

import pytest

from workbench import server as module
from workbench.client import ServerError
from workbench.server import running_server


def test_a_host_that_ends_at_its_start_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "arguments", lambda base, address: ["-c", "print('no such file')"])

    async def start() -> None:
        async with running_server(base=tmp_path):
            pass

    with pytest.raises(ServerError, match=r"ended while starting\.\nno such file"):
        asyncio.run(start())
