"""The peers' nodes as an extension of the host."""

from comfy_api.latest import ComfyExtension, io

from .concept_prune_node import ConceptPruneNode
from .esdx_node import ESDxNode
from .sld_node import SLDNode
from .uce_node import UCENode


class PeerNodes(ComfyExtension):
    """The nodes of this pack, as ComfyUI asks for them."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [UCENode, ConceptPruneNode, SLDNode, ESDxNode]
