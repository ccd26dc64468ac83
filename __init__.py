"""Forget It All: erase concepts from a text-to-image model without training."""

from comfy_api.latest import ComfyExtension, io

from .nodes import NODES
from .nodes.host.files.mask_folder import register_mask_folder
from .nodes.routes import register_routes

WEB_DIRECTORY = "./web"


class ForgetItAll(ComfyExtension):
    """The nodes of this pack, as ComfyUI asks for them."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        register_mask_folder()
        register_routes()
        return list(NODES)


async def comfy_entrypoint() -> ComfyExtension:
    """Give ComfyUI the extension; called once when the host loads its custom nodes."""
    return ForgetItAll()
