"""How long the server takes."""

import time

from workbench.client import Server
from workbench.graph import ApiGraph


async def timed(server: Server, graph: ApiGraph) -> float:
    """Seconds from posting the graph to its end."""
    start = time.perf_counter()
    await server.run(graph)
    return time.perf_counter() - start
