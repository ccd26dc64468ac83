"""The attack as an extension of the host."""

from comfy_api.latest import ComfyExtension, io

from .learn_embedding_node import LearnEmbeddingNode


class AttackNodes(ComfyExtension):
    """The nodes of this pack, as ComfyUI asks for them."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [LearnEmbeddingNode]
