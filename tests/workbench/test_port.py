"""Starting ComfyUI: what stands in the way is said before anything starts."""

import socket

import pytest

from workbench.client import ServerError
from workbench.server import require_free


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"Port {port} cannot be had.*--port"):
            require_free(port)
    require_free(port)
    require_free(0)
