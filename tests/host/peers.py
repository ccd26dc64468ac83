"""Run the benchmarks' peer nodes on a model in the host."""

from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from graphs import Graph, Host, picture_graph
from tiny_model import TinyModel


def run_peer(host: Host, node: str, model: Any, clip: Any, **inputs: Any) -> Any:
    """What the peer's node gives for a model."""
    host.forget()
    graph: Graph = {
        "model": host.source(model),
        "clip": host.source(clip),
        "peer": {
            "class_type": node,
            "inputs": {"model": ["model", 0], "clip": ["clip", 0], "concepts": "church", **inputs},
        },
    }
    return host.run(graph, "peer")[0]


def draw(host: Host, tiny: TinyModel, model: ModelPatcher) -> torch.Tensor:
    """A picture by an ordinary graph with another denoiser."""
    host.forget()
    graph = {
        "model": host.source(model),
        "clip": host.source(tiny.clip),
        "vae": host.source(tiny.vae),
        **picture_graph(["model", 0]),
    }
    return host.run(graph, "picture")[0].clone()
