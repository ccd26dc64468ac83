"""How many validation names a model draws at each guidance, as the judge sees them.

    FIA_HOST=… python natural_model/guidance.py --recipe unet --checkpoint FILE --judge FILE

The guidance of the benchmark is the lowest with the goal's share, else the one with most.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from curve_subject import FIRST_SEED, SCENES, Asked
from draw import draw, grid
from hosted import host_checkpoint
from judge import load_judge
from names import VALIDATION, WORLDS
from recipes import RECIPES, recipe_in
from vocabulary import STYLES

SCALES = (2.0, 3.0, 4.0, 5.0, 7.5)
GATE, GOAL = 0.85, 0.95


def chosen(shares: Mapping[float, float]) -> float:
    """The guidance of the benchmark, by the share of pictures that are named at each."""
    enough = [scale for scale, share in shares.items() if share >= GOAL]
    return min(enough) if enough else max(shares, key=lambda scale: shares[scale])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--world", choices=WORLDS, default="a", help="of the checkpoint")
    parser.add_argument("--checkpoint", type=Path, required=True, help="that train.py wrote")
    parser.add_argument("--judge", type=Path, required=True, help="of the checkpoint's world")
    parser.add_argument("--sheets", type=Path, required=True, help="folder of the pictures")
    arguments = parser.parse_args()
    held = host_checkpoint(recipe_in(arguments.recipe, arguments.world), arguments.checkpoint)
    judge = load_judge(tuple(WORLDS[arguments.world]), STYLES, arguments.judge)
    asked = Asked(VALIDATION, SCENES[:2], FIRST_SEED["validation"])
    arguments.sheets.mkdir(parents=True, exist_ok=True)
    shares = {}
    for scale in SCALES:
        with torch.inference_mode():
            pictures = draw(held, asked.prompts(), asked.seed, guidance=scale)
            seen = judge.name_objects(pictures)
        sheet = f"{arguments.checkpoint.stem}-guidance-{scale:g}.png"
        grid(pictures, 12).save(arguments.sheets / sheet)
        right = sum(name == other for (name, _), other in zip(asked.shown, seen, strict=True))
        shares[scale] = right / len(seen)
        print(f"guidance {scale:g}: {shares[scale]:.1%} of {len(seen)} pictures named", flush=True)
    best = chosen(shares)
    verdict = "passed" if shares[best] >= GATE else "missed"
    print(f"guidance {best:g}; the gate of {GATE:.0%} is {verdict}")


if __name__ == "__main__":
    main()
