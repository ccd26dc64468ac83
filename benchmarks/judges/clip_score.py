"""How well a picture fits its prompt: CLIP score (Hessel et al. 2021), as a share of 100.

Needs the folder ``clip-vit-large-patch14``; see the README.
"""

from collections.abc import Sequence

from torch import Tensor

from benchmarks.harness.judge import Judge, Look
from benchmarks.harness.shots import Shot
from benchmarks.judges.networks.clip import load_clip


def load() -> Look:
    similarity = load_clip()

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        found = similarity(pictures, [shot.prompt for shot in shots])
        return [max(0.0, cosine) for cosine in found]

    return look


JUDGE = Judge("CLIP score, prompts", "picture", load)
