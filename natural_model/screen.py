"""Train the recipes in turn, and after every turn measure what each has become; resumable.

    FIA_HOST=… python natural_model/screen.py --data DIR --out DIR --turn 8000 --samples 40000

Writes a row a turn to OUT/screening.csv and a grid of pictures to OUT/RECIPE-SEED-SAMPLES.png.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

from names import PROBED, WORLD_A
from paths import use_training_scripts
from recipes import RECIPES

use_training_scripts()
from host import use_host  # noqa: E402

use_host()
from concept_share import Concepts, probe  # noqa: E402
from draw import draw, grid  # noqa: E402
from hosted import Hosted, host_recipe  # noqa: E402
from judge import Judge, load_judge  # noqa: E402
from train import BATCH, Training, held_out_losses, load_data  # noqa: E402
from vocabulary import SCENES, STYLES, with_article  # noqa: E402

FIRST_SEED = 9000  # of the pictures
COLUMNS = 12


def turn(training: Training, samples: int) -> tuple[dict[str, Any], Hosted]:
    """Train on, then measure the averaged weights: losses, word gap, and the probe."""
    training.advance(samples)
    measured = host_recipe(training.recipe, training.run.average.values)
    right, wrong = held_out_losses(measured.denoiser, training.data, WORLD_A)
    row = {
        "samples": training.samples,
        "minutes": round(training.run.spent / 60, 1),
        "loss": round(right, 4),
        "word gap": round(wrong / right - 1, 4),
    }
    return row | columns(probe(measured.model, measured.clip, PROBED)), measured


def columns(found: Concepts) -> dict[str, Any]:
    """The probe's figures as columns."""
    shares = {f"S({share:.0%})": round(value, 3) for share, value in found.gone.items()}
    steps = " ".join(f"{value:.2f}" for value in found.by_step)
    return shares | {
        "S(3%) by step": steps,
        "another loses": round(found.neighbour, 3),
        "cosine": round(found.cosine, 3),
    }


def draw_names(model: Hosted, count: int, file: Path, judge: Judge | None) -> str:
    """Draw names spread over the world, save the grid, and tell in how many the judge finds what
    was asked for; empty without a judge."""
    names = list(WORLD_A)
    asked = [names[number * len(names) // count] for number in range(count)]
    scenes = list(SCENES)
    prompts = [
        f"a photo of {with_article(name)} in {with_article(scenes[number % len(scenes)])}"
        for number, name in enumerate(asked)
    ]
    pictures = draw(model, prompts, FIRST_SEED)
    grid(pictures, COLUMNS).save(file)
    if judge is None:
        return ""
    seen = judge.name_objects(pictures)
    return f"{sum(a == b for a, b in zip(asked, seen, strict=True)) / count:.3f}"


def append(file: Path, row: dict[str, Any]) -> None:
    """Add a row, under a head where the file is new."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def done(file: Path) -> set[tuple[str, str, int]]:
    """Recipe, seed and samples of the rows that are there."""
    if not file.exists():
        return set()
    with file.open(newline="", encoding="utf-8") as opened:
        rows = csv.DictReader(opened)
        return {(row["recipe"], row["seed"], int(row["samples"])) for row in rows}


def screen(arguments: argparse.Namespace) -> None:
    """All recipes up to the first turn's end, then to the second's, and so on.

    Raises ValueError where a turn is no whole number of steps.
    """
    if arguments.turn % BATCH:
        raise ValueError(f"turn: {arguments.turn} is no multiple of {BATCH}, a step's samples")
    arguments.out.mkdir(parents=True, exist_ok=True)
    table = arguments.out / "screening.csv"
    data = load_data(arguments.data)
    judge = load_judge(tuple(WORLD_A), STYLES, arguments.judge) if arguments.judge else None
    for samples in range(arguments.turn, arguments.samples + 1, arguments.turn):
        for name in arguments.recipes:
            if (name, str(arguments.seed), samples) in done(table):
                continue
            title = f"{name}-{arguments.seed}"
            print(f"{title}, up to {samples} samples", flush=True)
            checkpoint = arguments.out / f"{title}.pt"
            row, model = turn(Training(RECIPES[name], data, checkpoint, arguments.seed), samples)
            grid_file = arguments.out / f"{title}-{samples}.png"
            drawn = draw_names(model, arguments.pictures, grid_file, judge)
            append(table, {"recipe": name, "seed": arguments.seed} | row | {"drawn": drawn})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="that world.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--judge", type=Path, help="that train_world_judge.py wrote")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--turn", type=int, default=8_000, help="samples; a multiple of 32")
    parser.add_argument("--samples", type=int, default=40_000, help="of each recipe, at the end")
    parser.add_argument("--pictures", type=int, default=120, help="drawn after a turn")
    parser.add_argument("--seed", type=int, default=0)
    screen(parser.parse_args())
