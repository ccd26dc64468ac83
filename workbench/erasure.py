"""How well a model forgot and what it kept, measured through a real ComfyUI.

A *shot* is one prompt at one seed. Every case (which concepts are forgotten, at which strength) is
asked the same shots, so that its pictures pair with those of the plain model.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from demo_model.judge import Judge
from demo_model.vocabulary import OBJECTS, with_article
from workbench.client import OnProgress, Server
from workbench.environment import ROOT
from workbench.graph import ApiGraph, Link, copy_with_sources, only_node, to_api

WORKFLOW = ROOT / "workflows" / "forget_with_demo_model.json"
FIRST_STEPS = WORKFLOW.with_name("first_steps.json")
"""A newcomer opens it first."""

SCENES = ("beach", "desert", "night sky", "snow field", "ocean", "mountain")
"""Where the evaluated objects stand; the profiling contexts of the workflow are others."""

SHOTS_A_GRAPH = 8
"""Shots posted together: the host reports every node at every step, so graphs stay small.

The model and the mask stay in its cache from one graph to the next.
"""


@dataclass(frozen=True)
class Case:
    """Concepts to forget, and how strongly; without any it is the plain model."""

    forget: tuple[str, ...] = ()
    strength: float = 0.0


PLAIN = Case()


@dataclass(frozen=True)
class Shot:
    """One picture to ask for."""

    object: str
    scene: str
    seed: int

    @property
    def prompt(self) -> str:
        return f"a photo of {with_article(self.object)} in {with_article(self.scene)}"


@dataclass(frozen=True)
class Answer:
    """One picture as drawn, and whether the judge found its object there."""

    shot: Shot
    picture: Image.Image
    right: bool


def shots(forget: Iterable[str], seed: int) -> tuple[Shot, ...]:
    """All scenes for the objects of ``forget``, one for every other; it moves on with the seed."""
    asked = set(forget)
    result: list[Shot] = []
    for number, name in enumerate(OBJECTS):
        kept = SCENES[(number + seed) % len(SCENES)]
        result += [Shot(name, scene, seed) for scene in (SCENES if name in asked else (kept,))]
    return tuple(result)


async def demo_workflow(server: Server) -> ApiGraph:
    """The bundled workflow, as the server runs it."""
    page = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    return to_api(page, await server.object_info())


def drawing_parts(workflow: ApiGraph) -> tuple[dict[str, Any], Link, Link]:
    """Inputs of the workflow's first sampler; its text encoder; the VAE of its first decoder."""
    sampler, decoder = (
        next(node["inputs"] for node in workflow.values() if node["class_type"] == kind)
        for kind in ("KSampler", "VAEDecode")
    )
    return sampler, workflow[sampler["positive"][0]]["inputs"]["clip"], decoder["vae"]


def evaluation_graph(workflow: ApiGraph, case: Case, asked: Sequence[Shot]) -> ApiGraph:
    """The workflow's model and mask nodes, and one branch to a preview for every shot.

    The sampler's settings are those of the workflow. The preview of shot n is node ``shot n``.
    """
    apply_id, apply = only_node("FIAApplyNeuronMask", workflow)
    sampler, clip, vae = drawing_parts(workflow)
    model = [apply_id, 0] if case.forget else apply["inputs"]["model"]

    graph: ApiGraph = {}
    for link in (model, clip, vae, sampler["negative"]):
        copy_with_sources(link[0], workflow, graph)
    if case.forget:
        _, profile = only_node("FIAProfileConcept", graph)
        profile["inputs"]["concepts"] = "\n".join(case.forget)
        graph[apply_id]["inputs"]["strength"] = case.strength
    size = workflow[sampler["latent_image"][0]]["inputs"]
    graph["latent"] = _node("EmptyLatentImage", **(size | {"batch_size": 1}))
    for number, shot in enumerate(asked):
        text, drawn, decoded = f"prompt {number}", f"sample {number}", f"decode {number}"
        graph[text] = _node("CLIPTextEncode", clip=clip, text=shot.prompt)
        settings = {
            "model": model,
            "positive": [text, 0],
            "latent_image": ["latent", 0],
            "seed": shot.seed,
        }
        graph[drawn] = _node("KSampler", **(sampler | settings))
        graph[decoded] = _node("VAEDecode", samples=[drawn, 0], vae=vae)
        graph[f"shot {number}"] = _node("PreviewImage", images=[decoded, 0])
    return graph


async def ask(
    server: Server,
    workflow: ApiGraph,
    case: Case,
    asked: Sequence[Shot],
    judge: Judge,
    on_progress: OnProgress | None = None,
) -> list[Answer]:
    """Draw all shots and let the judge look at them, in order."""
    pictures: list[Image.Image] = []
    for start in range(0, len(asked), SHOTS_A_GRAPH):
        part = asked[start : start + SHOTS_A_GRAPH]
        further = on_progress and after_pictures(start, on_progress)
        shown = await server.run(evaluation_graph(workflow, case, part), further)
        pictures += [(await server.images(shown[f"shot {n}"]))[0] for n in range(len(part))]
    batch = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])) / 255
    names = judge.name_objects(batch)
    return [
        Answer(shot, picture, name == shot.object)
        for shot, picture, name in zip(asked, pictures, names, strict=True)
    ]


def after_pictures(pictures: int, on_progress: OnProgress) -> OnProgress:
    """A listener that also counts the pictures which earlier graphs have shown."""
    return lambda progress: on_progress(replace(progress, shown=progress.shown + pictures))


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}
