"""The recipes of the screening: which network, which text encoder, how it is trained.

Every recipe learns by plain denoising of the same pictures; nothing points at a unit.
"""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """A network of the host's classes and the terms of its training.

    Attributes:
        network: ``unet`` predicts the clean latent, ``auraflow`` the flow's velocity.
        channels: of the UNet's levels, as multiples of 64.
        depths: transformer blocks of the UNet's levels, its middle as the last.
        text_width: of the contexts.
        text_trained: else the text encoder keeps its random start.
        samples: of a whole run; the learning rate falls in the last fifth.
        world: a key of ``networks.NAMES``.
    """

    network: Literal["unet", "auraflow"] = "unet"
    channels: tuple[int, ...] = (1, 2, 4)
    depths: tuple[int, ...] = (1, 1, 1)
    text_width: int = 128
    text_trained: bool = True
    weight_decay: float = 0.01
    peak_rate: float = 1e-3
    samples: int = 400_000
    world: str = "a"


RECIPES: dict[str, Recipe] = {
    "unet": Recipe(),
    "unet-deep": Recipe(depths=(1, 2, 4)),
    "auraflow": Recipe("auraflow", text_width=64, samples=800_000),
    "unet-frozen-text": Recipe(text_width=64, text_trained=False),
    "unet-decay": Recipe(text_width=64, text_trained=False, weight_decay=0.3),
    "unet-sdxl": Recipe(channels=(1, 3), depths=(0, 4)),
}
"""In the order of their turns."""

TWIN = Recipe(samples=112_000)
"""Of the bundled model's twin: its network, its world, and nothing that points at a unit."""

TWIN_AURAFLOW = replace(RECIPES["auraflow"], samples=80_000)
"""Of a second twin, in another architecture."""

TRAINED = RECIPES | {"twin": TWIN, "twin-auraflow": TWIN_AURAFLOW}
"""All that can be trained to their end."""


def recipe_in(name: str, world: str) -> Recipe:
    """The recipe of that name, for that world."""
    return replace(TRAINED[name], world=world)
