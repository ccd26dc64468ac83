"""A judge: something that looks at pictures (``benchmarks/judges``)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from .shots import Shot

Look = Callable[[Tensor, Sequence[Shot], Tensor | None], list[float]]
"""(pictures, shots, the base model's pictures of the same shots) → one value a picture.

Pictures are float32 (N, height, width, 3), values 0 … 1. The base model's are None unless the judge
``compares`` with them.
"""


@dataclass(frozen=True)
class Judge:
    """Looks at pictures and gives each a value.

    Attributes:
        title: for people.
        aspect: what its value is about. "object" and "style": 1 where it finds what the shot asked
            for, 0 elsewhere. "picture": a number of its own, such as a distance.
        load: makes ready what it needs; called once, only when the judge is asked.
        names: the concepts that it can tell; empty for any.
        compares: it wants the base model's pictures of the same shots, too.
    """

    title: str
    aspect: Literal["object", "style", "picture"]
    load: Callable[[], Look]
    names: tuple[str, ...] = ()
    compares: bool = False


def resized(pictures: Tensor, side: int) -> Tensor:
    """Pictures (N, height, width, 3) as (N, side, side, 3), for judges that know one size."""
    if pictures.shape[1:3] == (side, side):
        return pictures
    channels_first = pictures.movedim(-1, 1)
    small = functional.interpolate(channels_first, (side, side), mode="bilinear", antialias=True)
    return small.movedim(1, -1)


def as_batch(pictures: Sequence[Image.Image]) -> Tensor:
    """float32 (N, height, width, 3), values 0 … 1."""
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])) / 255
