"""The recipes of the twins: which network, how large, and on how many samples it learns."""

from dataclasses import dataclass
from typing import Any

from demo_model.architecture import DENOISER, LATENT_CHANNELS, TEXT_ENCODER, TEXT_WIDTH

AURAFLOW: dict[str, Any] = {
    "in_channels": LATENT_CHANNELS,
    "out_channels": LATENT_CHANNELS,
    "patch_size": 2,
    "dim": 256,
    "n_layers": 8,
    "n_double_layers": 7,
    "n_heads": 4,
    "global_conddim": 64,
    "cond_seq_dim": TEXT_WIDTH,
    "max_seq": 64,
}
"""``comfy.ldm.aura.mmdit.MMDiT``: 64 tokens of 2 × 2 latent positions, 14.4 M weights."""


LUMINA2: dict[str, Any] = {
    "in_channels": LATENT_CHANNELS,
    "patch_size": 2,
    "dim": 256,
    "n_layers": 6,
    "n_refiner_layers": 1,
    "n_heads": 4,
    "multiple_of": 64,
    "ffn_dim_multiplier": 2.0,
    "qk_norm": True,
    "cap_feat_dim": TEXT_WIDTH,
    "axes_dims": [16, 24, 24],
    "axes_lens": [64, 64, 64],
}
"""``comfy.ldm.lumina.model.NextDiT``: 64 picture tokens of 2 × 2 latent positions behind the
text's, a single stream as in Lumina 2 and Z-Image."""


@dataclass(frozen=True)
class Recipe:
    """A network of the host's classes and the length of its training.

    Attributes:
        network: a key of ``networks.NETWORKS``.
        sizes: parameters of the network's class.
        text: parameters of ``CLIPTextModel``.
        samples: of a whole run; the learning rate falls in the last fifth.
        hours: that a run takes on two cores.
        teacher: a recipe; this one learns to do in a few steps what a twin of that one does.
    """

    network: str
    sizes: dict[str, Any]
    text: dict[str, Any]
    samples: int
    hours: float
    teacher: str = ""


RECIPES: dict[str, Recipe] = {
    "twin": Recipe("unet", DENOISER, TEXT_ENCODER, 112_000, 1.5),
    "twin-auraflow": Recipe("auraflow", AURAFLOW, TEXT_ENCODER, 80_000, 1.0),
    "twin-lumina": Recipe("lumina2", LUMINA2, TEXT_ENCODER, 64_000, 1.0),
    "twin-lumina-fast": Recipe("lumina2", LUMINA2, TEXT_ENCODER, 22_400, 0.5, "twin-lumina"),
}
"""All learn from the bundled model's pictures and captions; nothing points at a unit."""
