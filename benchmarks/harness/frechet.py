"""How far two sets of pictures are apart: the Fréchet distance of a network's features.

With the features of Inception v3 it is FID (Heusel et al. 2017, "GANs trained by a two time-scale
update rule"). The bundled model's pictures are unlike any that Inception was trained on, so the
second judge's features are offered for them.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from benchmarks.judges.networks.needs import device, package, weights
from benchmarks.judges.networks.transformer import SIDE, WIDTH, load_transformer
from demo_model.vocabulary import OBJECTS, STYLES

from .judge import resized

INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
SOURCE = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION}"
FEATURES = {"judge": "the second judge's features", "inception": "Inception v3's features (FID)"}
PICTURES_AT_ONCE = 32


class JudgeFeatures(nn.Module):
    """The input of the second judge's heads: uint8 (N, 3, height, width) to float32 (N, 96)."""

    num_features = WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.judge = load_transformer(tuple(OBJECTS), STYLES)

    def forward(self, levels: Tensor) -> Tensor:
        return self.judge.features(resized(levels.movedim(1, -1) / 255, SIDE))


class Distance:
    """Fréchet distances from one set of pictures; its features are computed once.

    Args:
        features: "judge" or "inception".
        start: files of the set's pictures, two at least.

    Raises:
        MissingError: Inception's weights, or the package that holds the network, are not there.
    """

    def __init__(self, features: str, start: Sequence[Path]) -> None:
        if features == "judge":
            self._metric = FrechetInceptionDistance(JudgeFeatures(), reset_real_features=False)
        else:
            package("torch_fidelity")
            self._metric = FrechetInceptionDistance(
                2048,
                reset_real_features=False,
                feature_extractor_weights_path=str(weights(INCEPTION, SOURCE)),
            )
        self._metric.to(device())
        self._add(start, real=True)

    def to(self, pictures: Sequence[Path]) -> float:
        """The distance to the pictures in these files, two at least."""
        self._metric.reset()
        self._add(pictures, real=False)
        return float(self._metric.compute())

    @torch.inference_mode()
    def _add(self, files: Sequence[Path], real: bool) -> None:
        for first in range(0, len(files), PICTURES_AT_ONCE):
            pictures = [_levels(file) for file in files[first : first + PICTURES_AT_ONCE]]
            for _, alike in groupby(pictures, key=lambda levels: levels.shape):
                batch = torch.from_numpy(np.stack(list(alike))).movedim(-1, 1)
                self._metric.update(batch.to(device()), real=real)


def _levels(file: Path) -> NDArray[np.uint8]:
    """A picture's values, (height, width, 3)."""
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))
