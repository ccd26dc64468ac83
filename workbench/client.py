"""A running ComfyUI, spoken to over HTTP and its websocket."""

import asyncio
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from workbench.graph import ApiGraph, ObjectInfo

LOG_LINES = 30


class ServerError(RuntimeError):
    """ComfyUI did not start or went away; the message ends with the last lines of its log."""


class WorkflowError(RuntimeError):
    """ComfyUI refused or failed a workflow; the message names the node and its reason."""


@dataclass(frozen=True)
class Progress:
    """How far the running node is, and how many nodes have shown their result."""

    node: str
    value: int
    maximum: int
    shown: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Server:
    """A ComfyUI that answers at ``address``."""

    address: str
    log: Path
    session: aiohttp.ClientSession
    process: asyncio.subprocess.Process

    async def object_info(self, node: str = "") -> ObjectInfo:
        """The server's description of one node, or of all."""
        return await self._get_json(f"/object_info/{node}" if node else "/object_info")

    async def run(self, graph: ApiGraph, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Run a graph to its end.

        Returns:
            node id → what the node showed (``images``, ``text``, …).

        Raises:
            WorkflowError: an input is invalid, a node failed, or the run was interrupted.
            ServerError: the server went away.
        """
        client = uuid.uuid4().hex
        try:
            async with self.session.ws_connect(
                f"{self.address}/ws", params={"clientId": client}, max_msg_size=0
            ) as messages:
                prompt = await self._post(graph, client)
                await self._follow(messages, prompt, graph, on_progress)
            history = await self._get_json(f"/history/{prompt}")
        except aiohttp.ClientError as error:
            raise ServerError(f"ComfyUI went away: {error}\n{log_tail(self.log)}") from error
        return history[prompt]["outputs"]

    async def image(self, reference: dict[str, str]) -> Image.Image:
        """The picture that an entry of a node's ``images`` names, RGB."""
        async with self.session.get(f"{self.address}/view", params=reference) as answer:
            answer.raise_for_status()
            return Image.open(io.BytesIO(await answer.read())).convert("RGB")

    async def images(self, shown: dict[str, Any]) -> list[Image.Image]:
        """All pictures that a node showed, in order."""
        return [await self.image(reference) for reference in shown["images"]]

    async def interrupt(self) -> None:
        """Ask the server to stop the running workflow."""
        async with self.session.post(f"{self.address}/interrupt") as answer:
            answer.raise_for_status()

    async def wait(self) -> None:
        """Wait until the server ends by itself.

        Raises:
            ServerError: always, when it does.
        """
        await self.process.wait()
        raise ServerError(f"ComfyUI ended.\n{log_tail(self.log)}")

    async def _get_json(self, path: str) -> dict[str, Any]:
        async with self.session.get(self.address + path) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _post(self, graph: ApiGraph, client: str) -> str:
        body = {"prompt": graph, "client_id": client}
        async with self.session.post(f"{self.address}/prompt", json=body) as answer:
            content = await answer.json()
        if answer.status == 200 and not content["node_errors"]:
            return content["prompt_id"]
        if answer.status == 200:  # the branches without errors are queued all the same
            await self._cancel(content["prompt_id"])
        raise WorkflowError(describe_refusal(content, graph))

    async def _cancel(self, prompt: str) -> None:
        for path, body in (("/queue", {"delete": [prompt]}), ("/interrupt", {"prompt_id": prompt})):
            async with self.session.post(self.address + path, json=body) as answer:
                answer.raise_for_status()

    async def _follow(
        self,
        messages: "aiohttp.ClientWebSocketResponse[bool]",
        prompt: str,
        graph: ApiGraph,
        on_progress: OnProgress | None,
    ) -> None:
        shown = 0
        async for message in messages:
            if message.type != aiohttp.WSMsgType.TEXT:  # binary ones are preview pictures
                continue
            event = json.loads(message.data)
            kind, data = event["type"], event["data"]
            if data.get("prompt_id") != prompt:
                continue
            if kind == "executing" and data["node"] is None:  # the history is written by now
                return
            if kind == "execution_error":
                raise WorkflowError(
                    f"{title_of(data['node_id'], graph)}: {data['exception_message'].strip()}"
                )
            if kind == "execution_interrupted":
                raise WorkflowError(f"{title_of(data['node_id'], graph)}: interrupted")
            if kind == "executed":
                shown += 1
            if on_progress and kind in ("executed", "progress"):
                node, value, maximum = data["node"], data.get("value", 1), data.get("max", 1)
                on_progress(Progress(title_of(node, graph), int(value), int(maximum), shown))
        raise ServerError(f"ComfyUI closed the connection.\n{log_tail(self.log)}")


def describe_refusal(content: dict[str, Any], graph: ApiGraph) -> str:
    """Why ``/prompt`` refused a graph, one line a reason."""
    lines = [
        f"{title_of(node, graph)}: {reason['message']}: {reason['details']}"
        for node, errors in content.get("node_errors", {}).items()
        for reason in errors["errors"]
    ]
    if not lines:
        lines = [f"{content['error']['message']}: {content['error']['details']}"]
    return "\n".join(lines)


def title_of(node: str, graph: ApiGraph) -> str:
    """The title of the node with this id."""
    entry = graph.get(node, {})
    return entry.get("_meta", {}).get("title") or entry.get("class_type", f"node {node}")


def log_tail(log: Path) -> str:
    """The last lines of the log, and where it lies."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join([*lines, f"(from {log})"])
