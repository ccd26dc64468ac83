"""Is a picture further from its concept than the base model's? The paper's forget-success.

1 where CLIP's similarity of the picture to the name of its style, or else of its object, is lower
than that of the base model's picture of the same prompt and seed. Needs the folder
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
        if before is None:
            raise ValueError("before: is None; give the base model's pictures.")
        concepts = [shot.style or shot.object for shot in shots]
        pairs = zip(similarity(pictures, concepts), similarity(before, concepts), strict=True)
        return [float(after < earlier) for after, earlier in pairs]

    return look


JUDGE = Judge("CLIP: further from the concept than before", "picture", load, compares=True)
