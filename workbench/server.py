"""A real ComfyUI of our own: started as a process and always shut down."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import torch

from workbench.base_folder import make_base, offer_packs
from workbench.client import Server, ServerError, log_tail
from workbench.environment import ENVIRONMENT, HOST, HOST_PYTHON

BASE = ENVIRONMENT / "comfyui"
START_SECONDS = 300
STOP_SECONDS = 10
PREVIEWS = ("--preview-method", "latent2rgb")


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
        threads: of the CPU for one calculation; None leaves it to the host. The Demo Model is
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
            HOST_PYTHON,
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
