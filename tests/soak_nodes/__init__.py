"""A route that counts what is left in the server's process, for ``tests/soak.py`` only.

The soak's server loads this folder as a pack of its own. It has no nodes.
"""

import gc
from collections.abc import Iterator
from typing import Any

import torch
from aiohttp import web
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import ComfyExtension, io
from server import PromptServer

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
PATCH = "NeuronMaskPatch"


class SoakNodes(ComfyExtension):
    """The pack, as ComfyUI asks for it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        PromptServer.instance.routes.get("/soak/left")(left)
        return []


async def left(_: web.Request) -> web.Response:
    """How many of each there are in the process, after a garbage collection."""
    gc.collect()
    objects = gc.get_objects()
    modules = [one for one in objects if is_a(one, torch.nn.Module)]
    return web.json_response(
        {
            "hooks": sum(len(vars(one).get(name, ())) for one in modules for name in HOOKS),
            "replaced forwards": sum("forward" in vars(one) for one in modules),
            "patches": sum(type(one).__name__ == PATCH for one in objects),
            "patchers": sum(is_a(one, ModelPatcher) for one in objects),
            "modules": len(modules),
            "wrappers": sum(wrappers(objects)),
        }
    )


def wrappers(objects: list[Any]) -> Iterator[int]:
    """How many wrappers each patcher has of this extension."""
    for one in objects:
        if is_a(one, ModelPatcher):
            for by_key in one.wrappers.values():
                yield len(by_key.get("forget_it_all", ()))


def is_a(value: Any, kind: type) -> bool:
    """By the type itself: some objects lie about their class, or fail when asked."""
    return issubclass(type(value), kind)


async def comfy_entrypoint() -> ComfyExtension:
    """Give ComfyUI the pack; called once when the host loads its custom nodes."""
    return SoakNodes()
