"""The bundled judge network: is the object that was asked for in the picture, or none?"""

from collections.abc import Sequence

from torch import Tensor

from benchmarks.harness.judge import Judge, Look, resized
from benchmarks.harness.shots import Shot
from demo_model.judge import NOTHING, SIDE, load_judge
from demo_model.vocabulary import OBJECTS, STYLES


def load() -> Look:
    network = load_judge(tuple(OBJECTS), STYLES)

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        names = network.name_objects(resized(pictures, SIDE))
        return [float(name == shot.object) for name, shot in zip(names, shots, strict=True)]

    return look


JUDGE = Judge("the bundled judge, objects", "object", load, names=(*OBJECTS, NOTHING))
