"""Pictures of help pages that no template shows: graphs on the demo workflow's model and mask."""

from pathlib import Path
from typing import Any

from PIL import Image

from workbench.client import Server
from workbench.environment import ENVIRONMENT
from workbench.erasure import demo_workflow, drawing_parts
from workbench.graph import ApiGraph, Link, copy_with_sources, only_node
from workbench.tiles import Look, save_small, tiled

BASE = ENVIRONMENT / "pictures"
"""The server's folder; the profiles stay there for the next time."""

PROMPT = "a photo of a church in a desert"
SIDE = 128  # pixels
OVERLAP = 16  # pixels by which each half reaches into the other, so that no seam shows
STRENGTHS = ("0", "0.2", "0.3", "0.4", "1")
LOOK = Look(side=SIDE, gap=8, title=30, paper="#1e1d22", ink="#e8e8e8")


class Demo:
    """A graph that begins with the demo workflow's model, mask of church, and prompts."""

    def __init__(self, workflow: ApiGraph) -> None:
        _, apply = only_node("FIAApplyNeuronMask", workflow)
        self._sampler, clip, self.vae = drawing_parts(workflow)
        self.model: Link = apply["inputs"]["model"]
        self.mask: Link = apply["inputs"]["mask"]
        self.negative: Link = self._sampler["negative"]
        self.graph: ApiGraph = {}
        for link in (self.model, self.mask, self.vae, self.negative, clip):
            copy_with_sources(link[0], workflow, self.graph)
        _, profile = only_node("FIAProfileConcept", self.graph)
        profile["inputs"]["concepts"] = "church"
        self.positive = self.add("positive", "CLIPTextEncode", clip=clip, text=PROMPT)
        self.latent = self.empty("latent", SIDE)

    def add(self, name: str, kind: str, /, **inputs: Any) -> Link:
        """A node; its first output."""
        self.graph[name] = {"class_type": kind, "inputs": inputs}
        return [name, 0]

    def empty(self, name: str, width: int) -> Link:
        """An empty latent of this many pixels."""
        return self.add(name, "EmptyLatentImage", width=width, height=SIDE, batch_size=1)

    def show(self, name: str, model: Link, **inputs: Any) -> None:
        """Draw with ``model`` and show it as the node ``name``."""
        settings = {"positive": self.positive, "latent_image": self.latent, "seed": 2}
        drawn = self.add(
            f"{name} drawn",
            "KSampler",
            **(self._sampler | settings | {"model": model} | inputs),
        )
        decoded = self.add(f"{name} decoded", "VAEDecode", samples=drawn, vae=self.vae)
        self.add(name, "PreviewImage", images=decoded)

    def applied(self, strength: float) -> Link:
        """The model after Apply Neuron Mask."""
        return self.add(
            "applied", "FIAApplyNeuronMask", model=self.model, mask=self.mask, strength=strength
        )


async def draw_strip(server: Server, file: Path) -> None:
    """One run of Strength Strip."""
    demo = Demo(await demo_workflow(server))
    strip = demo.add(
        "strip",
        "FIAStrengthStrip",
        model=demo.model,
        mask=demo.mask,
        latent=demo.latent,
        strengths=", ".join(STRENGTHS),
    )
    demo.show("shown", strip, latent_image=["strip", 1])
    drawn = await server.images((await server.run(demo.graph))["shown"])
    save_small(tiled([list(zip(STRENGTHS, drawn, strict=True))], LOOK), file)


async def draw_lora(server: Server, file: Path) -> None:
    """Plain, by the mask, and by a LoRA file of it."""
    for earlier in (BASE / "models" / "loras").rglob("*.safetensors"):
        earlier.unlink()
    demo = Demo(await demo_workflow(server))
    demo.add(
        "save",
        "FIASaveErasureLora",
        model=demo.model,
        mask=demo.mask,
        strength=1.0,
        filename_prefix="church",
    )
    (name,) = (await server.run(demo.graph))["save"]["text"]
    del demo.graph["save"]
    loaded = demo.add(
        "loaded", "LoraLoaderModelOnly", model=demo.model, lora_name=name, strength_model=1.0
    )
    models = {"plain": demo.model, "neuron mask": demo.applied(1.0), "LoRA file": loaded}
    for label, model in models.items():
        demo.show(label, model)
    shown = await server.run(demo.graph)
    row = [(label, (await server.images(shown[label]))[0]) for label in models]
    save_small(tiled([row], LOOK), file)


async def draw_forget_lora(server: Server, file: Path) -> None:
    """A church, and a house that is kept, plain and with Forget LoRA."""
    demo = Demo(await demo_workflow(server))
    clip = demo.graph["positive"]["inputs"]["clip"]
    forgetting = demo.add(
        "forget",
        "FIAForgetLora",
        model=demo.model,
        clip=clip,
        concepts="church",
        instead="",
        keep="",
        amount=1.0,
        kind="object",
        rank=0,
    )
    house = demo.add(
        "house prompt", "CLIPTextEncode", clip=clip, text=PROMPT.replace("church", "house")
    )
    demo.show("church", demo.model)
    demo.show("forgotten", forgetting)
    demo.show("house", demo.model, positive=house)
    demo.show("kept", forgetting, positive=house)
    shown = await server.run(demo.graph)
    labels = ("church", "forgotten", "house", "kept")
    row = [(label, (await server.images(shown[label]))[0]) for label in labels]
    save_small(tiled([row], LOOK), file)


async def draw_hook(server: Server, file: Path) -> None:
    """Two churches, and the mask on the right half."""
    demo = Demo(await demo_workflow(server))
    hook = demo.add("hook", "FIACreateErasureHook", mask=demo.mask, strength=1.0)
    wide = demo.empty("wide", 2 * SIDE)
    left = _half(demo, "left", {}, 0)
    plain, erased = (
        _half(demo, name, hooks, SIDE - OVERLAP)
        for name, hooks in (("plain right", {}), ("erased right", {"hooks": hook}))
    )
    for name, right in (("plain", plain), ("erased", erased)):
        pair = f"{name} pair"
        demo.add(
            pair,
            "PairConditioningCombine",
            positive_A=[left, 0],
            negative_A=[left, 1],
            positive_B=[right, 0],
            negative_B=[right, 1],
        )
        both = {"positive": [pair, 0], "negative": [pair, 1]}
        demo.show(name, demo.model, latent_image=wide, **both)
    shown = await server.run(demo.graph)
    sheet = Image.new("RGB", (4 * SIDE + LOOK.gap, SIDE), LOOK.paper)
    for name, x in (("plain", 0), ("erased", 2 * SIDE + LOOK.gap)):
        sheet.paste((await server.images(shown[name]))[0], (x, 0))
    save_small(sheet, file)


def _half(demo: Demo, name: str, hooks: dict[str, Link], start: int) -> str:
    """The prompts for a half of the picture from ``start`` on; the node's name."""
    none = demo.add("no region", "SolidMask", value=0.0, width=2 * SIDE, height=SIDE)
    half = demo.add("half", "SolidMask", value=1.0, width=SIDE + OVERLAP, height=SIDE)
    region = demo.add(
        f"{name} region",
        "MaskComposite",
        destination=none,
        source=half,
        x=start,
        y=0,
        operation="add",
    )
    demo.add(
        name,
        "PairConditioningSetProperties",
        positive_NEW=demo.positive,
        negative_NEW=demo.negative,
        strength=1.0,
        set_cond_area="mask bounds",
        mask=region,
        **hooks,
    )
    return name
