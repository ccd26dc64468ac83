"""A real ComfyUI of our own: started as a process, spoken to over HTTP, always shut down."""

import asyncio
import contextlib
import io
import json
import os
import shutil
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import torch
from PIL import Image

from workbench.environment import ENVIRONMENT, HOST, ROOT
from workbench.graph import ApiGraph, ObjectInfo

PACK = "comfyui-forget-it-all"
BASE = ENVIRONMENT / "comfyui"
START_SECONDS = 300
STOP_SECONDS = 10
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


@contextlib.asynccontextmanager
async def running_server(
    base: Path = BASE,
    port: int = 0,
    packs: Sequence[Path] = (),
    threads: int | None = 1,
    previews: bool = False,
) -> AsyncIterator[Server]:
    """Start ComfyUI with this repository as its extension; stop it when the block ends.

    Args:
        base: ComfyUI's folder for models, input, output and user data; made when missing.
        port: 0 takes a free one.
        packs: folders of further custom nodes, which the host loads after this repository.
        threads: of the CPU for one calculation; None leaves it to the host. The bundled model is
            so small that two threads are hardly faster than one, and 30 times slower when another
            program takes the core of one and the other waits for it.
        previews: show latents while they are sampled.

    Raises:
        ServerError: the port is taken, it did not answer in time, or the extension could not be
            imported.
    """
    require_free(port)
    make_base(base)
    further = offer_packs(base, packs)
    log = base / "comfyui.log"
    address = f"http://127.0.0.1:{port or free_port()}"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments(base, address),
            *further,
            *(PREVIEWS if previews else ()),
            cwd=HOST,
            env=host_environment(threads),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            server = Server(address, log, session, process)
            await wait_until_ready(server)
            yield server
    finally:
        await stop(process)


def end_on_signals() -> None:
    """Let a termination or a closed terminal end this program the way Ctrl-C does: tidily."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))


PREVIEWS = ("--preview-method", "latent2rgb")


def arguments(base: Path, address: str) -> list[str]:
    """ComfyUI's command line, after the interpreter."""
    command = [str(HOST / "main.py"), "--listen", "127.0.0.1", "--port", address.rpartition(":")[2]]
    command += ["--base-directory", str(base), "--disable-auto-launch", "--disable-api-nodes"]
    command += ["--database-url", f"sqlite:///{(base / 'comfyui.db').as_posix()}"]
    if not torch.accelerator.is_available():
        command.append("--cpu")
    return command


def host_environment(threads: int | None) -> dict[str, str]:
    """Ours less PYTHONPATH: the repository's ``nodes/`` would hide the host's own module."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    limit = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    return limit | inherited | {"PYTHONUNBUFFERED": "1"}


def make_base(base: Path) -> None:
    """ComfyUI's folders below ``base``, with this repository linked among the custom nodes."""
    for folder in ("custom_nodes", "models", "input", "output", "user"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    link_folder(base / "custom_nodes" / PACK, ROOT)


def offer_packs(base: Path, packs: Sequence[Path]) -> list[str]:
    """Link further custom nodes below ``base``; what the host must be told of them.

    They have a folder of their own, which the host reads after ``custom_nodes``, so that they can
    import this repository's modules as it has loaded them.
    """
    if not packs:
        return []
    folder = base / "further_nodes"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for pack in packs:
        link_folder(folder / pack.name, pack)
    paths = base / "further_nodes.yaml"
    paths.write_text(f"further:\n  custom_nodes: {folder.name}\n", encoding="utf-8")
    return ["--extra-model-paths-config", str(paths)]


def link_folder(link: Path, folder: Path) -> None:
    """Let ``link`` lead to ``folder``."""
    if link.exists() and link.resolve() == folder:
        return
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(folder), str(link))
    else:
        link.unlink(missing_ok=True)  # the repository was moved
        link.symlink_to(folder, target_is_directory=True)


def require_free(port: int) -> None:
    """Raise ServerError if something else listens on the port; 0 is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ServerError(
                f"Port {port} cannot be had ({error.strerror}); another ComfyUI may be running on "
                "it. Choose another with --port."
            ) from error


def free_port() -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def wait_until_ready(server: Server) -> None:
    """Return when the server answers and knows the extension's nodes."""
    for _ in range(START_SECONDS * 5):
        if server.process.returncode is not None:
            raise ServerError(f"ComfyUI ended while starting.\n{log_tail(server.log)}")
        with contextlib.suppress(aiohttp.ClientError):
            async with server.session.get(f"{server.address}/system_stats") as answer:
                if answer.status == 200:
                    break
        await asyncio.sleep(0.2)
    else:
        raise ServerError(f"No answer within {START_SECONDS} s.\n{log_tail(server.log)}")
    if not await server.object_info("FIAApplyNeuronMask"):
        raise ServerError(f"ComfyUI could not import this extension.\n{log_tail(server.log)}")


async def stop(process: asyncio.subprocess.Process) -> None:
    """End the process: politely, then by force."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()


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
    """What a person calls the node with this id."""
    entry = graph.get(node, {})
    return entry.get("_meta", {}).get("title") or entry.get("class_type", f"node {node}")


def log_tail(log: Path) -> str:
    """The last lines of the log, and where it lies."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join([*lines, f"(from {log})"])
