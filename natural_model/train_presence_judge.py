"""Train a judge that tells something from the bare scene, on renders of world A.

    python natural_model/train_presence_judge.py --drawings DIR --out presence.safetensors

What a model forgets turns into a coloured blob before it goes, which the judge of objects calls
nothing. So this one learns from things, some half faded, and from blobs and polygons, against
scenes with nothing in them; both in the styles, and spoiled as for the judge of objects.
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from names import SOMETHING
from paths import use_training_scripts
from PIL import Image
from torch import Tensor
from world import drawn_world

use_training_scripts()
from judge import Judge, load_judge  # noqa: E402
from render import Content, World, draw_contents, render  # noqa: E402
from train_judge import (  # noqa: E402
    BATCH,
    add_blobs,
    add_polygons,
    as_batch,
    fit,
    save,
    spoil,
)
from vocabulary import STYLES  # noqa: E402

PLAIN_THINGS, FADED, BLOBS = 0.4, 0.3, 0.2  # of what is there; the rest are polygons
FAINTEST = 0.45  # how much of a faded thing is left


def presence_renders(
    world: World, count: int, rng: np.random.Generator
) -> tuple[list[Image.Image], Tensor, Tensor]:
    """Pictures, half of each, with object numbers (0 something, 1 nothing) and style numbers."""
    contents = draw_contents(count, rng, 0.5, two_objects=0, styled=0.25, world=world)
    kinds = [_kind(content, rng) for content in contents]
    pictures = [
        _render(content, kind, world, rng) for content, kind in zip(contents, kinds, strict=True)
    ]
    styles = (*STYLES, "")
    return (
        pictures,
        torch.tensor([int(kind == "nothing") for kind in kinds]),
        torch.tensor([styles.index(content.style) for content in contents]),
    )


def _kind(content: Content, rng: np.random.Generator) -> str:
    if not content.objects:
        return "nothing"
    shares = (PLAIN_THINGS, FADED, BLOBS, 1 - PLAIN_THINGS - FADED - BLOBS)
    return str(rng.choice(("thing", "faded", "blobs", "polygons"), p=shares))


def _render(content: Content, kind: str, world: World, rng: np.random.Generator) -> Image.Image:
    bare = Content(content.scene, (), content.style)
    if kind == "thing":
        return render(content, rng, world=world)
    if kind == "faded":  # the same scene twice
        empty = render(bare, copy.deepcopy(rng), world=world)
        whole = render(Content(content.scene, content.objects, content.style), rng, world=world)
        return Image.blend(empty, whole, rng.uniform(FAINTEST, 1))
    picture = render(bare, rng, world=world)
    if kind == "blobs":
        add_blobs(picture, rng)
    elif kind == "polygons":
        add_polygons(picture, rng)
    return picture


def report(judge: Judge, world: World, count: int, seed: int) -> None:
    """Print how often the judge is right on unseen renders, as they are and spoiled."""
    rng = np.random.default_rng((29, seed))
    pictures, objects, _ = presence_renders(world, count, rng)
    for title, shown in (("clean", pictures), ("spoiled", [spoil(one, rng) for one in pictures])):
        seen = torch.tensor(
            [int(name != SOMETHING) for name in judge.name_objects(as_batch(shown))]
        )
        right = (seen == objects).double()
        print(
            f"{title} unseen renders: something {right[objects == 0].mean():.1%}, "
            f"nothing {right[objects == 1].mean():.1%}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--renders", type=int, default=8_000)
    parser.add_argument("--steps", type=int, default=800, help=f"of {BATCH} pictures")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    world = drawn_world("a", arguments.drawings)
    torch.manual_seed(arguments.seed)
    judge = Judge((SOMETHING,), STYLES)
    rng = np.random.default_rng((23, arguments.seed))
    pictures, objects, styles = presence_renders(world, arguments.renders, rng)
    fit(judge, pictures, (objects, styles), arguments.steps, rng)
    save(judge, arguments.out)
    report(load_judge((SOMETHING,), STYLES, arguments.out), world, 2000, arguments.seed + 1)
