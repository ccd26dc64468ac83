"""The training pictures as arrays on disk, rendered once by all cores.

python dataset.py --out DIR --count 48000
"""

import argparse
import json
from dataclasses import asdict
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from render import SIZE, Content, draw_contents, render

SHARD = 500


def _render_shard(task: tuple[int, list[Content]]) -> np.ndarray:
    seed, contents = task
    rng = np.random.default_rng((7, seed))
    return np.stack([np.asarray(render(content, rng)) for content in contents])


def build(folder: Path, count: int, seed: int = 0) -> None:
    """Write ``pictures.npy``, uint8 (count, 128, 128, 3), and ``contents.json`` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = draw_contents(count, np.random.default_rng(seed))
    pictures = np.lib.format.open_memmap(
        folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3)
    )
    shards = [(start, contents[start : start + SHARD]) for start in range(0, count, SHARD)]
    with Pool() as pool:
        for (start, shard), rendered in zip(shards, pool.imap(_render_shard, shards), strict=True):
            pictures[start : start + len(shard)] = rendered
    pictures.flush()
    (folder / "contents.json").write_text(json.dumps([asdict(content) for content in contents]))


def load_contents(folder: Path) -> list[Content]:
    """The labels of the pictures, in order."""
    rows = json.loads((folder / "contents.json").read_text())
    return [Content(row["scene"], tuple(row["objects"]), row["style"]) for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48_000)
    arguments = parser.parse_args()
    build(arguments.out, arguments.count)
