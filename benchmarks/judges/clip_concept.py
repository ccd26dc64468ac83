"""How near a picture is to its concept's name: CLIP's cosine, as a share of 100.

The concept is the style that the shot asks for, or else its object. Needs the folder
``clip-vit-large-patch14``; see the README.
"""

from collections.abc import Sequence

from torch import Tensor

from benchmarks.harness.judge import Judge, Look
from benchmarks.harness.shots import Shot
from benchmarks.judges.networks.clip import load_clip


def load() -> Look:
    similarity = load_clip()

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        return similarity(pictures, [shot.style or shot.object for shot in shots])

    return look


JUDGE = Judge("CLIP: similarity to the concept", "picture", load)
