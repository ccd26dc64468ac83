"""Starting ComfyUI: what stands in the way is said."""

import asyncio
import socket
from pathlib import Path

import pytest

from workbench import server as module
from workbench.client import ServerError
from workbench.server import require_free, running_server


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"Port {port} cannot be had.*--port"):
            require_free(port)
    require_free(port)
    require_free(0)


def test_a_host_that_ends_at_its_start_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "arguments", lambda base, address: ["-c", "print('no such file')"])

    async def start() -> None:
        async with running_server(base=tmp_path):
            pass

    with pytest.raises(ServerError, match=r"ended while starting\.\nno such file"):
        asyncio.run(start())
