"""Prepare what is missing, then train natural models and their judges; all of it resumable.

    python3 natural_model/start.py screen                                every recipe in turns
    python3 natural_model/start.py --world b train --recipe unet-deep    one recipe to its end
    python3 natural_model/start.py --world bundled train --recipe twin   the bundled model's twin
    python3 natural_model/start.py --world b judge                       the judge of a world
    python3 natural_model/start.py presence                              the judge of presence

What follows that word is for ``screen.py``, ``train.py``, ``train_world_judge.py`` or
``train_presence_judge.py``. Drawings, pictures, checkpoints and tables lie in ``results/natural/``
(``--work``), judges of worlds in ``results/judges/``; ``train`` puts the model that it has where
the suites of ``benchmarks/natural/`` look for it. The first run fetches the drawings from npm and
renders 48,000 pictures: 2.4 GB and a few minutes; judges need the drawings alone. The bundled
model's world needs the font of ``demo_model/training/render.py`` and no drawings.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
from workbench.environment import HOST, PYTHON, run_in_environment  # noqa: E402

SCRIPTS = Path(__file__).resolve().parent
BUNDLED_WORLD = REPOSITORY / "demo_model" / "training" / "dataset.py"
JUDGES = REPOSITORY / "results" / "judges"
PRESENCE = REPOSITORY / "benchmarks" / "judges" / "networks" / "presence.safetensors"
MODELS = REPOSITORY / "benchmarks" / "natural" / "data"
RENDERER = "resvg-py==0.5.0"


def run(script: str | Path, *arguments: object) -> None:
    """One of this folder's scripts, or another by its path, with the host named."""
    command = [PYTHON, SCRIPTS / script, *arguments]
    environment = os.environ | {"FIA_HOST": str(HOST)}
    subprocess.run([str(part) for part in command], check=True, env=environment)


def prepare_drawings(work: Path, world: str) -> None:
    """The drawings of a world's things, made once."""
    made = work / world / "drawn"
    if world != "bundled" and not made.exists():
        subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", RENDERER], check=True)
        run("drawings.py", "--world", world, "--out", work / "drawings")
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()


def prepare_pictures(work: Path, world: str, pictures: int) -> Path:
    """The pictures to train on, made once; their folder."""
    data = work / world / "data"
    into = ("--out", data, "--count", pictures)
    if (data / "contents.json").exists():
        return data
    if world == "bundled":
        run(BUNDLED_WORLD, *into)
    else:
        run("world.py", "--world", world, "--drawings", work / "drawings", *into)
    return data


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=REPOSITORY / "results" / "natural")
    parser.add_argument("--pictures", type=int, default=48_000)
    parser.add_argument("--world", choices=("a", "b", "bundled"), default="a")
    parser.add_argument("what", choices=("screen", "train", "judge", "presence"))
    parser.add_argument("more", nargs=argparse.REMAINDER, help="options of the script")
    arguments = parser.parse_args()
    if arguments.what in ("screen", "presence") and arguments.world != "a":
        parser.error(f"--world: {arguments.what} is of world a alone; leave it out")
    if arguments.what == "judge" and arguments.world == "bundled":
        parser.error("--world: the bundled model's world has its judges already")
    run_in_environment(Path(__file__).resolve())

    work, world = arguments.work.resolve(), arguments.world
    prepare_drawings(work, world)
    judge = JUDGES / f"world_{world}.safetensors"
    JUDGES.mkdir(parents=True, exist_ok=True)
    where = ("--drawings", work / "drawings", "--out")
    if arguments.what == "judge":
        run("train_world_judge.py", "--world", world, *where, judge, *arguments.more)
    elif arguments.what == "presence":
        run("train_presence_judge.py", *where, PRESENCE, *arguments.more)
    else:
        data = prepare_pictures(work, world, arguments.pictures)
        where = ("--data", data, "--out", work / world / "runs")
        if arguments.what == "train":
            MODELS.mkdir(parents=True, exist_ok=True)
            run("train.py", "--world", world, *where, "--models", MODELS, *arguments.more)
        else:
            judged = ("--judge", judge) if judge.exists() else ()
            run("screen.py", *where, *judged, *arguments.more)


if __name__ == "__main__":
    main()
