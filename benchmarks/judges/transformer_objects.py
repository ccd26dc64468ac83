"""The second judge network: is the object that was asked for in the picture, or none at all?"""

from collections.abc import Sequence

from torch import Tensor

from benchmarks.harness.judge import Judge, Look, resized
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import NOTHING
from benchmarks.judges.networks.transformer import SIDE, load_transformer
from demo_model.vocabulary import OBJECTS, STYLES


def load() -> Look:
    network = load_transformer(tuple(OBJECTS), STYLES)

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        found = network.name_objects(resized(pictures, SIDE))
        return [
            float(shot.object in names if shot.object != NOTHING else not names)
            for names, shot in zip(found, shots, strict=True)
        ]

    return look


JUDGE = Judge("the second judge, objects", "object", load, names=(*OBJECTS, NOTHING))
