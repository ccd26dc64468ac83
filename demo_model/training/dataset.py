"""The training pictures as arrays on disk, rendered once.

python dataset.py --out DIR --count 48000
"""

import argparse
import json
from dataclasses import asdict
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from render import BUNDLED, SIZE, Content, World, draw_contents, render

SHARD = 500


def _render_shard(task: tuple[int, list[Content], World]) -> np.ndarray:
    seed, contents, world = task
    rng = np.random.default_rng((7, seed))
    return np.stack([np.asarray(render(content, rng, world=world)) for content in contents])


def build(folder: Path, contents: list[Content], world: World, processes: int | None) -> None:
    """Write ``pictures.npy``, uint8 (count, 128, 128, 3), and ``contents.json`` beside it.

    ``processes`` render side by side, one a core where it is None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = len(contents)
    pictures = np.lib.format.open_memmap(
        folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3)
    )
    shards = [(start, contents[start : start + SHARD], world) for start in range(0, count, SHARD)]
    with Pool(processes) as pool:
        for (start, shard, _), rendered in zip(
            shards, pool.imap(_render_shard, shards), strict=True
        ):
            pictures[start : start + len(shard)] = rendered
    pictures.flush()
    (folder / "contents.json").write_text(json.dumps([asdict(content) for content in contents]))


def load_contents(folder: Path) -> list[Content]:
    """The labels of the pictures, in order."""
    rows = json.loads((folder / "contents.json").read_text())
    return [Content(**row | {"objects": tuple(row["objects"])}) for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48_000)
    parser.add_argument("--processes", type=int, help="side by side (default: one a core)")
    arguments = parser.parse_args()
    drawn = draw_contents(arguments.count, np.random.default_rng(0))
    build(arguments.out, drawn, BUNDLED, arguments.processes)
