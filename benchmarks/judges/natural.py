"""Judges of natural models' pictures (``docs/natural.md``): what is there, and is anything there?

``natural_model/start.py`` trains them. The judge of presence is in the repository, those of the
worlds lie in the folder of judges' weights: README.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from benchmarks.harness.judge import Judge, Look, resized
from benchmarks.harness.shots import Shot
from demo_model.judge import NOTHING, SIDE, load_judge
from demo_model.vocabulary import STYLES
from natural_model.names import SOMETHING, WORLDS

from .bundled import look_for_object, pixel_distance
from .networks.needs import weights

SOURCE = "python3 natural_model/start.py"
PRESENCE = Path(__file__).parent / "networks" / "presence.safetensors"


def find_things(world: str) -> Look:
    """Is the thing that was asked for what the world's judge names?"""
    file = weights(f"world_{world}.safetensors", f"{SOURCE} --world {world} judge")
    return look_for_object(load_judge(tuple(WORLDS[world]), STYLES, file).name_objects)


def find_anything() -> Look:
    """Is anything there but a scene?"""
    judge = load_judge((SOMETHING,), STYLES, PRESENCE)

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        return [float(it == SOMETHING) for it in judge.name_objects(resized(pictures, SIDE))]

    return look


JUDGES = {
    **{
        f"world_{world}": Judge(
            f"the judge of world {world.upper()}",
            "object",
            partial(find_things, world),
            (*names, NOTHING),
        )
        for world, names in WORLDS.items()
    },
    "presence": Judge("something there", "picture", find_anything),
    "from_scene": Judge(
        "mean pixel distance to the base model's scene alone",
        "picture",
        lambda: pixel_distance,
        compares="scene",
    ),
}
