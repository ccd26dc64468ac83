"""The documentation's pictures of the Demo Model: what each shows, and how it is drawn."""

import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from demo_model.vocabulary import IMAGENETTE, with_article
from fia_core import NeuronMask
from fia_core.mask_text import embed_mask
from workbench.camera import Motif, photograph
from workbench.client import Server
from workbench.demonstration import demonstrate
from workbench.environment import ROOT
from workbench.erasure import (
    PLAIN,
    WORKFLOW,
    Case,
    Shot,
    demo_workflow,
    evaluation_graph,
    shots,
)
from workbench.graph import PageWorkflow, copy_with_sources, flat, to_api
from workbench.help_pictures import BASE, LOOK, draw_forget_lora, draw_hook, draw_lora, draw_strip
from workbench.tiles import Look, save_small, tiled

TEMPLATES = ROOT / "workflows"
HELP = ROOT / "web" / "docs"
EMBEDDING = "save_load_embed_mask"
BEFORE, AFTER = "a_images", "b_images"

Changes = Mapping[int, Mapping[str, Any]]
"""Node id → input values that take the place of a template's."""


@dataclass(frozen=True)
class Cell:
    """One picture of a template's Compare Erasure node."""

    node: int
    side: str
    label: str = ""
    changes: Changes = field(default_factory=dict)

    @property
    def source(self) -> str:
        """One text for all cells that one run shows."""
        return f"{self.node} {self.changes}"


def pair(node: int, *labels: str, changes: Changes | None = None) -> list[Cell]:
    """The pictures before and after; ``labels`` for both, or none."""
    first, second = labels or ("", "")
    return [Cell(node, BEFORE, first, changes or {}), Cell(node, AFTER, second, changes or {})]


def photo(object: str, scene: str, node: int) -> Changes:
    """The prompt of the text node ``node`` for an object in a scene."""
    return {node: {"text": f"a photo of {with_article(object)} in {with_article(scene)}"}}


SCENES = ("desert", "beach", "snow field", "mountain", "ocean")
LARGE, SMALL = Look(side=256), Look(side=110, gap=6)
TEN = [
    [Cell(13, side, "", photo(name, scene, 8)) for name, scene in zip(five, SCENES, strict=True)]
    for five in (IMAGENETTE[:5], IMAGENETTE[5:])
    for side in (BEFORE, AFTER)
]

SHEETS: dict[Path, tuple[str, Look, Sequence[Sequence[Cell]]]] = {
    TEMPLATES / "forget_with_demo_model.jpg": (
        "forget_with_demo_model",
        LARGE,
        [pair(17, "before", "after"), pair(17, changes=photo("golf ball", "beach", 6))],
    ),
    TEMPLATES / "forget_by_lora.jpg": (
        "forget_by_lora",
        LARGE,
        [pair(8, "before", "after"), pair(8, changes=photo("cat", "beach", 2))],
    ),
    TEMPLATES / "forget_as_app.jpg": (
        "forget_with_demo_model",
        LARGE,
        [pair(17, "before", "after")],
    ),
    TEMPLATES / "forget_art_style.jpg": (
        "forget_art_style",
        LARGE,
        [pair(13, "before", "after"), pair(19)],
    ),
    TEMPLATES / "forget_ten_concepts.jpg": ("forget_ten_concepts", SMALL, TEN),
    TEMPLATES / "protect_a_concept.jpg": (
        "protect_a_concept",
        Look(side=200, gap=8),
        [
            [*pair(19, "before", "after"), Cell(20, AFTER, "banana protected")],
            [*pair(28), Cell(29, AFTER)],
        ],
    ),
    TEMPLATES / "tune_strength_and_sparsity.jpg": (
        "tune_strength_and_sparsity",
        LARGE,
        [
            pair(12, "before", "0.1 %"),
            [Cell(17, AFTER, "strength 0.4"), Cell(22, AFTER, "1 %, strength 1")],
        ],
    ),
    TEMPLATES / f"{EMBEDDING}.jpg": (
        EMBEDDING,
        Look(side=256, paper="#1e1d22"),
        [pair(15, "before", "mask loaded", changes=photo("church", "snow field", 10))],
    ),
    HELP / "FIAApplyNeuronMask.jpg": (
        "tune_strength_and_sparsity",
        LOOK,
        [[*pair(17, "strength 0", "strength 0.4"), Cell(22, AFTER, "strength 1")]],
    ),
}
"""File → template, look, and rows of pictures."""


PEOPLES = sorted(set(TEMPLATES.glob("forget_with_*.json")) - {WORKFLOW})
"""Templates for models that people have; their pictures show the whole graph."""
GRAPH = Motif("", {1: (0, 0, 240, 240)}, margin=20, size=(1280, 720), alone=False, vue=False)
GRAPH_WIDTH = 700  # pixels of its picture


MASK_CARD = "objects/church_golf_ball"
AUTOMATIC = ["automatic", "automatic", 0, 0, 0, 5.0, "exact", True]
"""Profile Concept's values from **sampler** on, as in a new node."""
PHOTOGRAPHS = {
    TEMPLATES / "export_erased_checkpoint.jpg": Motif(
        "export_erased_checkpoint",
        {5: (0, 0, 400, 130), 17: (0, 200, 400, 130)},
        margin=30,
        size=(460, 420),
        vue=False,
    ),
    HELP / "FIACompareErasure.jpg": Motif(
        "forget_with_demo_model", {17: (1530, 0, 300, 370)}, run=True
    ),
    HELP / "FIABuildConceptMask.png": Motif("forget_with_demo_model", {3: (1530, 0, 300, 120)}),
    HELP / "FIAProfileConcept.png": Motif(
        "forget_with_demo_model",
        {2: (1530, 0, 380, 760)},
        values={2: ["church\ngolf ball", "object", *3 * [""], *4 * [0], *AUTOMATIC]},
    ),
    HELP / "FIAFuseMasks.png": Motif("forget_with_demo_model", {4: (1530, 0, 300, 280)}),
    HELP / "FIALoadNeuronMask.png": Motif(
        EMBEDDING, {8: (0, 0, 350, 370)}, values={8: [f"{MASK_CARD}_00001_.safetensors", ""]}
    ),
}


async def embed(server: Server, file: Path) -> None:
    """Make the mask that a template carries again, and change nothing else in its file."""
    (node,) = (n for n in read(EMBEDDING)["nodes"] if n["type"] == "FIALoadNeuronMask")
    text = embed_mask(await saved_mask(server, EMBEDDING, 7, {}))
    old = file.read_text(encoding="utf-8")
    file.write_text(old.replace(node["widgets_values"][1], text), encoding="utf-8")


async def draw_sheet(server: Server, file: Path) -> None:
    """The pictures of a template's Compare Erasure nodes."""
    template, look, rows = SHEETS[file]
    shown: dict[str, dict[str, Any]] = {}
    for cell in chain(*rows):
        if cell.source not in shown:
            shown[cell.source] = await shown_by(server, template, cell.node, cell.changes)
    drawn = [
        [(cell.label, await server.image(shown[cell.source][cell.side][0])) for cell in row]
        for row in rows
    ]
    sheet = tiled(drawn, look)
    save_small(below_a_mask(sheet, look) if template == EMBEDDING else sheet, file)


async def draw_objects(server: Server, file: Path) -> None:
    """All objects that the Demo Model knows."""
    asked = shots((), seed=1)
    shown = await server.run(evaluation_graph(await demo_workflow(server), PLAIN, asked))
    drawn = [
        (shot.object, (await server.images(shown[f"shot {number}"]))[0])
        for number, shot in enumerate(asked)
    ]
    rows = [drawn[start : start + 5] for start in range(0, len(drawn), 5)]
    save_small(tiled(rows, Look(side=90, gap=4, title=17)), file)


async def draw_chart(server: Server, file: Path) -> None:
    """Where the weights of church and golf ball lie."""
    two = {2: {"concepts": "church\ngolf ball"}}
    chart, *_ = await server.images(await shown_by(server, "forget_ten_concepts", 26, two))
    save_small(chart, file)


async def take_photograph(server: Server, file: Path) -> None:
    """Nodes in the page."""
    motif = PHOTOGRAPHS[file]
    picture = await photograph(server.address, BASE, read(motif.template), motif)
    save_small(picture, file)


async def photograph_graph(server: Server, file: Path) -> None:
    """A template's graph as a person opens it."""
    picture = await photograph(server.address, BASE, read(file.stem), GRAPH)
    picture.thumbnail((GRAPH_WIDTH, GRAPH_WIDTH))
    save_small(picture, file)


async def photograph_card(server: Server, file: Path) -> None:
    """A mask of two concepts in Load Neuron Mask."""
    await saved_mask(
        server,
        EMBEDDING,
        7,
        {4: {"concepts": "church\ngolf ball"}, 7: {"filename_prefix": MASK_CARD}},
    )
    await take_photograph(server, file)


async def draw_banner(server: Server, file: Path) -> None:
    """Seven objects before, and after two were forgotten, above the pack's name; 21 : 9."""
    names = ("church", "cat", "rocket", "golf ball", "guitar", "banana", "car")
    asked = [Shot(name, scene, 1) for name, scene in zip(names, SCENES + SCENES, strict=False)]
    workflow = await demo_workflow(server)
    rows = []
    for case in (PLAIN, Case(("church", "golf ball"), 1.0)):
        shown = await server.run(evaluation_graph(workflow, case, asked))
        shots_shown = [shown[f"shot {number}"] for number in range(len(asked))]
        rows.append([("", (await server.images(one))[0]) for one in shots_shown])
    banner = Image.new("RGB", (7 * 150, 3 * 150), "#1e1d22")
    banner.paste(tiled(rows, Look(side=150, gap=0)), (0, 150))
    font = ImageFont.load_default(80)
    ImageDraw.Draw(banner).text((525, 75), "Forget It All", "#f0f0f0", font, anchor="mm")
    save_small(banner, file)


async def draw_thumbnail(server: Server, file: Path) -> None:
    """The pictures of the first template's Compare Erasure."""
    motif = Motif(file.stem, {7: (0, 0, 380, 440)}, margin=0, run=True)
    save_small(await photograph(server.address, BASE, read(file.stem), motif), file)


async def draw_before_after(_: Server, file: Path) -> None:
    """The picture of ``python3 demo.py``."""
    await demonstrate("church, golf ball", None, 1, ROOT / "results")
    save_small(Image.open(ROOT / "results" / f"{file.stem}.png"), file)


async def draw_twin(_: Server, file: Path) -> None:
    """The other picture of ``python3 demo.py``, which the first is drawn with."""
    save_small(Image.open(ROOT / "results" / f"{file.stem}.png"), file)


RENEWED: dict[Path, Callable[[Server, Path], Awaitable[None]]] = {
    TEMPLATES / f"{EMBEDDING}.json": embed,
    **dict.fromkeys(SHEETS, draw_sheet),
    HELP / "FIADemoModel.jpg": draw_objects,
    HELP / "FIAInspectMask.png": draw_chart,
    **dict.fromkeys(PHOTOGRAPHS, take_photograph),
    **{file.with_suffix(".jpg"): photograph_graph for file in PEOPLES},
    HELP / "FIALoadNeuronMask.png": photograph_card,
    HELP / "FIAStrengthStrip.jpg": draw_strip,
    HELP / "FIASaveErasureLora.jpg": draw_lora,
    HELP / "FIACreateErasureHook.jpg": draw_hook,
    HELP / "FIAForgetLora.jpg": draw_forget_lora,
    ROOT / "docs" / "before_after.jpg": draw_before_after,
    ROOT / "docs" / "twin.jpg": draw_twin,
    ROOT / "docs" / "banner.jpg": draw_banner,
    TEMPLATES / "first_steps.jpg": draw_thumbnail,
}
"""Everything that is made with the Demo Model's weights, and how; what needs another first
comes after it."""


def read(template: str) -> PageWorkflow:
    return json.loads((TEMPLATES / f"{template}.json").read_text(encoding="utf-8"))


async def shown_by(server: Server, template: str, node: int, changes: Changes) -> dict[str, Any]:
    """The pictures of a template's node, after it and all that it is made from have run."""
    workflow = to_api(flat(read(template)), await server.object_info())
    for id, inputs in changes.items():
        workflow[str(id)]["inputs"] |= inputs
    graph = {}
    copy_with_sources(str(node), workflow, graph)
    return (await server.run(graph))[str(node)]


async def saved_mask(server: Server, template: str, node: int, changes: Changes) -> NeuronMask:
    """The mask that a template's Save Neuron Mask writes, the first of its name."""
    folder = BASE / "models" / "neuron_masks"
    for earlier in folder.rglob("*.safetensors"):
        earlier.unlink()
    shown = await shown_by(server, template, node, changes)
    return NeuronMask.load(folder / shown["text"][0])


def below_a_mask(sheet: Image.Image, look: Look) -> Image.Image:
    """``sheet`` below a drawing of a mask's file, and a line from there to its last picture."""
    poster = Image.new("RGB", (sheet.width, sheet.height + 268), look.paper)
    poster.paste(sheet, (0, 268))
    draw = ImageDraw.Draw(poster)
    middle = sheet.width / 2
    draw.line((middle, 214, sheet.width - 128, 268), "#b39ddb", 3)
    draw.rounded_rectangle((middle - 130, 41, middle + 130, 216), 12, "#523354", "#b39ddb", 3)
    for text, y, size in (("church.safetensors", 80, 24), ("one mask, one small file", 117, 17)):
        draw.text((middle, y), text, "#f0f0f0", ImageFont.load_default(size), anchor="mm")
    chosen = random.Random(1).sample(range(22 * 5), 12)
    for weight in range(22 * 5):
        x, y = middle - 105 + weight % 22 * 9.6, 140 + weight // 22 * 11
        ink = "#f5b020" if weight in chosen else "#6f4f72"
        draw.rectangle((x, y, x + 7, y + 7), ink)
    return poster
