"""``training/`` in this process, with the host's classes and rectangles in place of glyphs.

``FIA_HOST`` names ComfyUI's folder. The repository's root leaves ``sys.path`` here, too.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import training.judges.train  # noqa: E402, F401  (it needs no host, and one package more)
from training.host import use_host  # noqa: E402

use_host()

from demo_model.architecture import DENOISER, TEXT_ENCODER  # noqa: E402
from demo_model.vocabulary import OBJECTS  # noqa: E402
from training.pictures import render  # noqa: E402
from training.pictures.dataset import prepare_pictures  # noqa: E402
from training.recipes import Recipe  # noqa: E402

SMALL_UNET = DENOISER | {
    "num_res_blocks": [1],
    "channel_mult": [1],
    "transformer_depth": [1],
    "transformer_depth_output": [1, 1],
}
TINY = Recipe("unet", SMALL_UNET, TEXT_ENCODER, samples=160, hours=0)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Sums of several threads may differ in the last bit from run to run."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def rectangles() -> Iterator[None]:
    """A coloured rectangle for every object: the font need not be installed."""
    rng = np.random.default_rng(0)
    drawn = {name: Image.new("RGBA", (24, 24)) for name in OBJECTS}
    for rectangle in drawn.values():
        rectangle.paste(tuple(int(value) for value in rng.integers(0, 256, 3)), (4, 2, 20, 14))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "glyph", drawn.__getitem__)
        yield


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a data set of 560 pictures; the last 512 are never trained on."""
    folder = tmp_path_factory.mktemp("pictures")
    prepare_pictures(folder, 560)
    return folder
