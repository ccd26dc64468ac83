"""Pictures as arrays on disk, rendered once."""

import json
from dataclasses import asdict
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from .render import SIZE, Content, draw_contents, render

SHARD = 500


def prepare_pictures(folder: Path, count: int) -> None:
    """Write ``pictures.npy``, uint8 (count, 128, 128, 3), and ``contents.json``, unless they are
    there.

    Raises ValueError where others are there.
    """
    labels = folder / "contents.json"
    if labels.exists():
        there = len(load_contents(folder))
        if there != count:
            raise ValueError(
                f"{folder} holds {there} pictures, not {count}: take another --work, or as many."
            )
        return
    print(f"rendering {count} pictures", flush=True)
    contents = draw_contents(count, np.random.default_rng(0))
    pictures = np.lib.format.open_memmap(
        folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3)
    )
    shards = [(start, contents[start : start + SHARD]) for start in range(0, count, SHARD)]
    with Pool() as pool:
        for (start, shard), drawn in zip(shards, pool.imap(_render_shard, shards), strict=True):
            pictures[start : start + len(shard)] = drawn
    pictures.flush()
    labels.write_text(json.dumps([asdict(content) for content in contents]))


def _render_shard(task: tuple[int, list[Content]]) -> np.ndarray:
    start, contents = task
    rng = np.random.default_rng((7, start))
    return np.stack([np.asarray(render(content, rng)) for content in contents])


def load_contents(folder: Path) -> list[Content]:
    """What the pictures show, in order."""
    rows = json.loads((folder / "contents.json").read_text())
    return [Content(row["scene"], tuple(row["objects"]), row["style"]) for row in rows]


def load_pictures(folder: Path) -> np.ndarray:
    """All pictures, read as they are needed."""
    return np.load(folder / "pictures.npy", mmap_mode="r")
