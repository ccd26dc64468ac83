"""How long the server takes."""

import time

from workbench.graph import ApiGraph
from workbench.server import Server


async def timed(server: Server, graph: ApiGraph) -> float:
    """Seconds from posting the graph to its end."""
    start = time.perf_counter()
    await server.run(graph)
    return time.perf_counter() - start
