"""Nodes of the ablations, for the benchmarks only: variants that the shipped nodes do not offer.

The benchmarks' server loads this folder as a pack of its own, after the extension. The nodes use
the extension's modules as the host has loaded them, so that profiles and masks are of one class.
"""

import sys
from importlib import import_module

from comfy_api.latest import ComfyExtension, io


class AblationNodes(ComfyExtension):
    """The nodes of this pack, as ComfyUI asks for them."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(import_module(f"{extension()}.benchmarks.ablation_nodes.nodes").NODES)


def extension() -> str:
    """The name under which the host has imported the extension that this folder belongs to.

    Another pack may have imported it once more; the host was first.

    Raises:
        RuntimeError: it has not.
    """
    for name, module in sys.modules.items():
        if "ForgetItAll" in getattr(module, "__dict__", {}):
            return name
    raise RuntimeError(
        "The ablation nodes need Forget It All; install it as a custom node, and this folder in a "
        "custom_nodes folder that the host reads later."
    )


async def comfy_entrypoint() -> ComfyExtension:
    """Give ComfyUI the pack; called once when the host loads its custom nodes."""
    return AblationNodes()
