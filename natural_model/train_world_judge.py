"""Train a judge of a world on renders of its own: the bundled judge's network and spoiling.

python natural_model/train_world_judge.py --world a --drawings DIR --out judge.safetensors
"""

import argparse
from pathlib import Path

import torch
from names import WORLDS
from paths import use_training_scripts
from world import drawn_world

use_training_scripts()
from judge import Judge, load_judge  # noqa: E402
from train_judge import BATCH, report, save, train  # noqa: E402
from vocabulary import STYLES  # noqa: E402

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", choices=WORLDS, default="a")
    parser.add_argument("--drawings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--renders", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=3000, help=f"of {BATCH} pictures")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    world = drawn_world(arguments.world, arguments.drawings)
    torch.manual_seed(arguments.seed)
    judge = Judge(world.objects, STYLES)
    train(judge, arguments.renders, arguments.steps, arguments.seed, world)
    save(judge, arguments.out)
    report(load_judge(world.objects, STYLES, arguments.out), 2000, arguments.seed + 1, world)
