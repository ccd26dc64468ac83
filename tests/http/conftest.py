"""One real ComfyUI for all tests here, in a folder of its own."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image

from workbench.client import Server
from workbench.erasure import demo_workflow
from workbench.graph import ApiGraph
from workbench.server import running_server

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where ``fuzzing`` is

Result = TypeVar("Result")


class Client:
    """The server, for tests that do not speak asyncio."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Server) -> None:
        self._loop = loop
        self.server = server
        self.base = server.log.parent
        self.object_info = self.wait(server.object_info())

    def wait(self, task: Coroutine[Any, Any, Result]) -> Result:
        return self._loop.run_until_complete(task)

    def get(self, path: str) -> Any:
        """The JSON that the server answers with."""

        async def ask() -> Any:
            async with self.server.session.get(self.server.address + path) as answer:
                answer.raise_for_status()
                return await answer.json()

        return self.wait(ask())

    def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON of an answer, whatever its status."""

        async def request() -> tuple[int, Any]:
            address = self.server.address + path
            async with self.server.session.request(method, address, **options) as answer:
                return answer.status, json.loads(await answer.text())

        return self.wait(request())

    def demo_workflow(self) -> ApiGraph:
        return self.wait(demo_workflow(self.server))

    def run(self, graph: ApiGraph) -> dict[str, Any]:
        return self.wait(self.server.run(graph))

    def images(self, shown: dict[str, Any]) -> list[Image.Image]:
        return self.wait(self.server.images(shown))


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Starts the server once and stops it at the end."""
    loop = asyncio.new_event_loop()
    context = running_server(base=tmp_path_factory.mktemp("comfyui"))
    server = loop.run_until_complete(context.__aenter__())
    try:
        yield Client(loop, server)
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()


@pytest.fixture
def workflow(client: Client) -> ApiGraph:
    """The demo workflow, made short: few prompts, few steps, one picture."""
    graph = client.demo_workflow()
    inputs = {node["_meta"]["title"]: node["inputs"] for node in graph.values()}
    inputs["Profile Concept"] |= {"contexts": "park\nforest\nroom", "profile_steps": 2}
    for title in ("Sample before", "Sample after forgetting"):
        inputs[title]["steps"] = 4
    for node in graph.values():
        if node["class_type"] == "EmptyLatentImage":
            node["inputs"]["batch_size"] = 1
    return graph
