"""The second judge network: is the picture in the style that was asked for, or plain?"""

from collections.abc import Sequence

from torch import Tensor

from benchmarks.harness.judge import Judge, Look, resized
from benchmarks.harness.shots import Shot
from benchmarks.judges.networks.transformer import PLAIN, SIDE, load_transformer
from demo_model.vocabulary import OBJECTS, STYLES


def load() -> Look:
    network = load_transformer(tuple(OBJECTS), STYLES)

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        names = network.name_styles(resized(pictures, SIDE))
        return [float(name == shot.style) for name, shot in zip(names, shots, strict=True)]

    return look


JUDGE = Judge("the second judge, styles", "style", load, names=(*STYLES, PLAIN))
