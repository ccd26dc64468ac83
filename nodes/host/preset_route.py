"""Tell the page the paper's settings for each kind of concept.

GET /forget_it_all/presets gives ``{kind: {widget: percentage}}``, Table 8 as the dialogs show it.
"""

from aiohttp import web
from server import PromptServer

from ...fia_core import PRESETS, Preset

ROUTE = "/forget_it_all/presets"


def register_preset_route() -> None:
    """Add the route to the host's server; nothing to do where the host runs without one."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.routes.get(ROUTE)(presets)


async def presets(request: web.Request) -> web.Response:
    return web.json_response({kind: percentages(preset) for kind, preset in PRESETS.items()})


def percentages(preset: Preset) -> dict[str, float]:
    """Widget name and percentage of each setting."""
    return {
        "temporal_sparsity": percent(preset.temporal_sparsity),
        "spatial_sparsity": percent(preset.spatial_sparsity),
        "agnostic_ratio": percent(preset.agnostic_ratio),
    }


def percent(fraction: float) -> float:
    """0.007 gives 0.7, not 0.7000000000000001."""
    return round(100 * fraction, 4)
