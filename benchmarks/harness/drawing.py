"""From a method and shots to pictures, through a running ComfyUI."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workbench.client import OnProgress, Server
from workbench.graph import ApiGraph

from .attack import prompt_text
from .method import Branch, Draft, Method, Setup
from .shots import Shot
from .suite import Attack

SHOTS_A_GRAPH = 8
"""Shots posted together: the host reports every node at every step, so graphs stay small.

What the method prepares stays in its cache from one graph to the next.
"""

MASK_PREFIX = "benchmarks/mask"


@dataclass(frozen=True)
class Brush:
    """A method with its settings, what it forgets and how it is attacked, ready for a graph."""

    method: Method
    concepts: tuple[str, ...]
    settings: Mapping[str, Any]
    attack: Attack | None = None

    def branch(self, draft: Draft, setup: Setup) -> Branch:
        """Add the method's nodes."""
        branch = self.method.build(draft, setup, self.concepts, self.settings)
        for node, settings in setup.last:
            branch = replace(branch, model=draft.add(node, model=branch.model, **settings))
        return branch


def shots_graph(
    setup: Setup, brush: Brush, shots: Sequence[Shot], starts: Sequence[str] = ()
) -> ApiGraph:
    """The method's nodes and a branch to a preview for every shot, node ``shot n`` for the n-th.

    Args:
        setup, brush, shots: what to draw, and how.
        starts: files in the server's input folder, one a shot, that sampling starts from.
    """
    draft = setup.draft()
    branch = brush.branch(draft, setup)
    empty = draft.add("EmptyLatentImage", **setup.latent)
    for number, shot in enumerate(shots):
        latent = empty
        if starts:
            start = draft.add("LoadImage", image=starts[number])
            latent = draft.add("VAEEncode", pixels=start, vae=setup.vae)
        text = prompt_text(draft, setup, branch, brush.attack, literal(shot.prompt))
        positive = draft.add("CLIPTextEncode", clip=setup.clip, text=text)
        drawn = branch.sample(draft, setup, branch, positive, latent, shot.seed)
        picture = draft.add("VAEDecode", samples=drawn, vae=setup.vae)
        draft.nodes[f"shot {number}"] = {
            "class_type": "PreviewImage",
            "inputs": {"images": picture},
        }
    return draft.nodes


async def draw(
    server: Server,
    setup: Setup,
    brush: Brush,
    shots: Sequence[Shot],
    on_progress: OnProgress | None = None,
    starts: Sequence[str] = (),
) -> tuple[list[Image.Image], float]:
    """At most ``SHOTS_A_GRAPH`` pictures in order, and the seconds that each took."""
    start = time.monotonic()
    shown = await server.run(shots_graph(setup, brush, shots, starts), on_progress)
    seconds = (time.monotonic() - start) / len(shots)
    pictures = [(await server.images(shown[f"shot {n}"]))[0] for n in range(len(shots))]
    return pictures, seconds


async def prepare(
    server: Server, setup: Setup, brush: Brush, on_progress: OnProgress | None = None
) -> tuple[str, float]:
    """Let the server do what the method does before it can draw.

    Returns:
        the file of the method's mask in ``models/neuron_masks``, empty where it has none; and the
        seconds that it took.
    """
    draft = setup.draft()
    branch = brush.branch(draft, setup)
    draft.nodes["ready"] = {"class_type": "PreviewAny", "inputs": {"source": branch.model}}
    if branch.mask:
        draft.nodes["mask"] = {
            "class_type": "FIASaveNeuronMask",
            "inputs": {"mask": branch.mask, "filename_prefix": MASK_PREFIX},
        }
    start = time.monotonic()
    shown = await server.run(draft.nodes, on_progress)
    seconds = time.monotonic() - start
    return shown["mask"]["text"][0] if branch.mask else "", seconds


def literal(prompt: str) -> str:
    """The prompt as the host must be told it: its parentheses are words, not weights."""
    return prompt.replace("(", "\\(").replace(")", "\\)")


def as_batch(pictures: Sequence[Image.Image]) -> Tensor:
    """float32 (N, height, width, 3), values 0 … 1."""
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])) / 255
