"""Other ways to make a model forget, as nodes for the benchmarks: UCE, ConceptPrune, SLD, ESD-x.

Written from the papers. The benchmarks' server loads this folder as a pack of its own, after
the extension, whose modules the nodes use as the host has imported them.
"""

import sys
from importlib import import_module

from comfy_api.latest import ComfyExtension


async def comfy_entrypoint() -> ComfyExtension:
    """Give ComfyUI the pack; called once when the host loads its custom nodes."""
    return import_module(f"{_forget_it_all()}.benchmarks.peer_nodes.extension").PeerNodes()


def _forget_it_all() -> str:
    """The name under which the host has imported the extension.

    Raises:
        RuntimeError: it has not.
    """
    for name, module in list(sys.modules.items()):
        if "ForgetItAll" in vars(module):
            return name
    raise RuntimeError(
        "The peers' nodes need Forget It All: install it as a custom node, and link this folder "
        "into a custom_nodes folder that the host reads later."
    )
