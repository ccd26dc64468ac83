"""Pictures of a world with captions: 48,000 for training, and a grid to look at.

python natural_model/world.py --world a --drawings DIR --out DIR --count 48000
"""

import argparse
from pathlib import Path

import numpy as np
from drawings import Drawings
from names import WORLDS
from paths import use_training_scripts
from PIL import Image

use_training_scripts()
from captions import caption  # noqa: E402
from dataset import build, load_contents  # noqa: E402
from render import Content, World, draw_contents  # noqa: E402

UNMENTIONED = 1 / 3
GRID = 12, 8  # columns, rows
SHARES = {"scene_only": 0.15, "two_objects": 0.10, "styled": 0.15}


def drawn_world(name: str, drawings: Path) -> World:
    """A world of `WORLDS` as `render` and `draw_contents` take it; ``drawings`` is the folder that
    ``drawings.py`` wrote."""
    return World(tuple(WORLDS[name]), Drawings(drawings), UNMENTIONED)


def contents_of(world: World, count: int, seed: int) -> list[Content]:
    """Random contents in the world's shares."""
    return draw_contents(count, np.random.default_rng(seed), **SHARES, world=world)


def save_grid(folder: Path) -> list[str]:
    """Write the first pictures of a data set as ``grid.png``; returns their captions, row after
    row."""
    columns, rows = GRID
    count = columns * rows
    pictures = np.load(folder / "pictures.npy", mmap_mode="r")[:count]
    side = pictures.shape[1]
    sheet = pictures.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    Image.fromarray(sheet.reshape(rows * side, columns * side, 3)).save(folder / "grid.png")
    rng = np.random.default_rng(0)
    return [caption(content, rng) for content in load_contents(folder)[:count]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", choices=WORLDS, default="a")
    parser.add_argument("--drawings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, help="side by side (default: one a core)")
    arguments = parser.parse_args()
    world = drawn_world(arguments.world, arguments.drawings)
    contents = contents_of(world, arguments.count, arguments.seed)
    build(arguments.out, contents, world, arguments.processes)
    print("\n".join(save_grid(arguments.out)))
