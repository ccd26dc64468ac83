"""How far a picture is from the base model's: mean absolute difference, 0 … 1."""

from collections.abc import Sequence

from torch import Tensor

from benchmarks.harness.judge import Judge, Look
from benchmarks.harness.shots import Shot


def load() -> Look:
    return look


def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
    if before is None:
        raise ValueError("before: is None; give the base model's pictures.")
    return (pictures - before).abs().mean((1, 2, 3)).tolist()


JUDGE = Judge("mean pixel distance to the base model", "picture", load, compares=True)
