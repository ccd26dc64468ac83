"""How many single-object pictures of the model the judge names rightly, object by object.

FIA_HOST=… python accuracy.py --weights ../weights.safetensors --rounds 2
"""

import argparse
from pathlib import Path

from draw import draw, load_model, load_package
from vocabulary import OBJECTS, SCENES, STYLES, with_article

SEED = 7000  # of the first picture; every picture has its own


def report(weights: Path, rounds: int) -> None:
    """Print a line an object, the hardest first, and the mean."""
    demo = load_model(weights)
    load_package("demo_model")
    from demo_model.judge import load_judge  # pyright: ignore[reportMissingImports]

    asked = [(name, scene) for _ in range(rounds) for name in OBJECTS for scene in SCENES]
    prompts = [f"a photo of {with_article(name)} in {with_article(scene)}" for name, scene in asked]
    seen = load_judge(tuple(OBJECTS), STYLES).name_objects(draw(demo, prompts, SEED))
    right = dict.fromkeys(OBJECTS, 0)
    for (name, _), found in zip(asked, seen, strict=True):
        right[name] += found == name
    pictures = rounds * len(SCENES)
    for name in sorted(OBJECTS, key=lambda name: right[name]):
        print(f"{name:20}{right[name] / pictures:5.0%} of {pictures}")
    print(f"{'mean':20}{sum(right.values()) / len(asked):5.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2, help="pictures of an object in a scene")
    arguments = parser.parse_args()
    report(arguments.weights, arguments.rounds)
