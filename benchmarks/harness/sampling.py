"""How pictures are sampled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

AT_ONCE = 8
"""Pictures that are judged and kept together."""


@dataclass(frozen=True)
class Sampling:
    """The sampler's settings, as in KSampler, and the picture's size in pixels.

    Attributes:
        batch_size: pictures that are sampled together. In a batch sums come out otherwise in their
            last bits, so a suite keeps to one number.
    """

    steps: int
    cfg: float
    width: int
    height: int
    sampler_name: str = "euler"
    scheduler: str = "normal"
    denoise: float = 1.0
    batch_size: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= AT_ONCE:
            raise ValueError(f"batch_size: is {self.batch_size}; give 1 to {AT_ONCE}")

    def changed(self, given: Mapping[str, Any]) -> "Sampling":
        """With these settings; ValueError where one is unknown."""
        if unknown := given.keys() - self.__dataclass_fields__.keys():
            known = ", ".join(self.__dataclass_fields__)
            raise ValueError(f"sampling: {unknown.pop()!r} is unknown; known are {known}")
        return replace(self, **given)


DEMO = Sampling(steps=20, cfg=4.0, width=128, height=128)
"""The bundled model's, as in the workflow ``forget_with_demo_model``."""

CHECKPOINT = Sampling(steps=25, cfg=7.5, width=512, height=512)
"""A checkpoint's, as in the workflow ``export_erased_checkpoint``."""

DEMO_METHODS: Mapping[str, Any] = {
    "contexts": (
        *("park", "forest", "room", "city", "lawn"),
        *("garden", "street", "office", "cafe", "tree"),
    ),
    "cfg": 4.0,
    "width": 128,
    "height": 128,
}
"""Settings of methods with the bundled model that a suite need not give; of the same workflow."""
