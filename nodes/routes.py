"""Routes for the page's questions about masks and profiles, before anything runs.

| route | what it gives |
| --- | --- |
| GET /forget_it_all/mask_card?name=N | the card of the mask file N, with ``may_embed`` |
| POST /forget_it_all/mask_card, body: text | the card of an embedded mask |
| GET /forget_it_all/embedded_mask?name=N | the text form of the mask file N |
| GET /forget_it_all/architecture?node=K&name=N | the model that a loader will give, or null |
| POST /forget_it_all/upload_mask?name=N, body: file | stores a mask file, gives its new name |
| POST /forget_it_all/empty_cache | removes all cached profiles, says how many and their bytes |
| GET /forget_it_all/presets | ``{kind: {widget: percentage}}``, Table 8 as the dialogs show it |

A name is one that Load Neuron Mask lists; no other file is read. Answers are JSON; an error has
the one field ``error``, a message for the person. Whose requests are answered is the host's rule.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, TypeVar

from aiohttp import web
from server import PromptServer

from ..fia_core import PRESETS, NeuronMask, Preset
from ..fia_core.mask import MASK_SCHEMA
from ..fia_core.mask_text import MAX_TEXT, embed_mask, may_embed, read_embedded_mask
from ..fia_core.reports.card import mask_card
from .fields.shared import percentage
from .host.files.mask_folder import list_mask_files, mask_path
from .host.files.new_file import SUFFIX
from .host.files.uploads import TooLargeError, move_in_place, received_file, safe_stem
from .host.model.model_files import architecture_of_loader
from .host.profiling.cache import host_cache

PREFIX = "/forget_it_all"
UPLOAD_BLOCK = 1 << 20  # bytes

Value = TypeVar("Value")
Handler = Callable[[web.Request], Awaitable[dict[str, Any]]]

_one_at_a_time = asyncio.Lock()  # a hostile file may unpack to a gigabyte


def register_routes() -> None:
    """Add the routes to the host's server; nothing to do where the host runs without one."""
    server = getattr(PromptServer, "instance", None)
    if server is None:
        return
    server.routes.get(f"{PREFIX}/mask_card")(answer_json(card_of_file))
    server.routes.post(f"{PREFIX}/mask_card")(answer_json(card_of_text))
    server.routes.get(f"{PREFIX}/embedded_mask")(answer_json(text_of_file))
    server.routes.get(f"{PREFIX}/architecture")(answer_json(architecture))
    server.routes.post(f"{PREFIX}/upload_mask")(answer_json(upload))
    server.routes.post(f"{PREFIX}/empty_cache")(answer_json(empty_cache))
    server.routes.get(f"{PREFIX}/presets")(answer_json(presets))


def answer_json(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """``handler`` as aiohttp wants it; what it raises becomes an answer."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handler(request))
        except TooLargeError as error:
            return web.json_response({"error": str(error)}, status=413)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        except OSError as error:
            return web.json_response({"error": f"The server's disk: {error}"}, status=500)

    return answer


async def card_of_file(request: web.Request) -> dict[str, Any]:
    """No card is an answer: the page asks for files that may be gone."""
    name = _name(request)
    if name not in list_mask_files():
        return {"card": None}
    path = mask_path(name)
    return {"card": await _in_turn(lambda: _card(NeuronMask.load(path)))}


async def card_of_text(request: web.Request) -> dict[str, Any]:
    text = await _text(request)
    return {"card": await _in_turn(lambda: asdict(mask_card(read_embedded_mask(text))))}


async def text_of_file(request: web.Request) -> dict[str, Any]:
    path = mask_path(_name(request))
    return {"embedded": await _in_turn(lambda: embed_mask(NeuronMask.load(path)))}


async def architecture(request: web.Request) -> dict[str, Any]:
    node, name = request.query.get("node", ""), request.query.get("name", "")
    return {"architecture": await _in_turn(lambda: architecture_of_loader(node, name))}


async def upload(request: web.Request) -> dict[str, Any]:
    stem = safe_stem(_name(request))
    limit = min(MASK_SCHEMA.max_bytes, request.client_max_size)
    async with received_file(request.content.iter_chunked(UPLOAD_BLOCK), limit) as path:
        await _in_turn(lambda: NeuronMask.load(path, stem + SUFFIX))
        return {"name": await _in_turn(lambda: move_in_place(path, stem))}


async def empty_cache(_: web.Request) -> dict[str, Any]:
    profiles, size = await asyncio.to_thread(host_cache().empty)
    return {"profiles": profiles, "bytes": size}


async def presets(_: web.Request) -> dict[str, Any]:
    return {kind: _percentages(preset) for kind, preset in PRESETS.items()}


def _percentages(preset: Preset) -> dict[str, float]:
    """Widget name and percentage of each setting, as the dialogs show them."""
    return {
        "temporal_sparsity": percentage(preset.temporal_sparsity),
        "spatial_sparsity": percentage(preset.spatial_sparsity),
        "agnostic_ratio": percentage(preset.agnostic_ratio),
    }


def _card(mask: NeuronMask) -> dict[str, Any]:
    """Its card, and as ``may_embed`` whether it is small enough to be embedded."""
    return {**asdict(mask_card(mask)), "may_embed": may_embed(mask)}


async def _in_turn(work: Callable[[], Value]) -> Value:
    """``work``'s result; in a thread, so that the server goes on, and one at a time."""
    async with _one_at_a_time:
        return await asyncio.to_thread(work)


def _name(request: web.Request) -> str:
    name = request.query.get("name")
    if not name:
        raise ValueError("name: there is none. Say which mask file is meant.")
    return name


async def _text(request: web.Request) -> str:
    """The request's body, read no further than an embedded mask can go."""
    body = bytearray()
    async for chunk in request.content.iter_chunked(UPLOAD_BLOCK):
        body += chunk
        if len(body) > MAX_TEXT:
            raise TooLargeError(f"The text has more than the {MAX_TEXT:,} characters allowed.")
    return body.decode("ascii", errors="replace")
