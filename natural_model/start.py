"""Prepare what is missing, then train and measure natural models; all of it resumable.

    python3 natural_model/start.py screen                                every recipe in turns
    python3 natural_model/start.py --world b train --recipe unet-deep    one recipe to its end
    python3 natural_model/start.py --world b judge                       the judge of a world
    python3 natural_model/start.py --world b guidance --recipe unet-deep --checkpoint FILE
    python3 natural_model/start.py curves                                the bundled model's curves

What follows that word is for ``screen.py``, ``train.py``, ``train_world_judge.py`` or
``curves.py``, which can also take a trained model: ``--recipe unet --checkpoint FILE``.
Drawings, pictures, checkpoints and tables lie in ``results/natural/`` (``--work``). The first run
fetches the drawings from npm and renders 48,000 pictures: 2.4 GB and a few minutes; for ``curves``
the drawings are enough.
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
RENDERER = "resvg-py==0.5.0"


def run(script: str, *arguments: object) -> None:
    """One of this folder's scripts, in the environment, with the host named."""
    command = [PYTHON, SCRIPTS / script, *arguments]
    environment = os.environ | {"FIA_HOST": str(HOST)}
    subprocess.run([str(part) for part in command], check=True, env=environment)


def prepare_drawings(work: Path, world: str) -> None:
    """The drawings of a world's things, made once."""
    made = work / world / "drawn"
    if not made.exists():
        subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", RENDERER], check=True)
        run("drawings.py", "--world", world, "--out", work / "drawings")
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()


def prepare_pictures(work: Path, world: str, pictures: int) -> Path:
    """The pictures to train on, made once; their folder."""
    data = work / world / "data"
    if not (data / "grid.png").exists():
        where = ("--drawings", work / "drawings", "--out", data)
        run("world.py", "--world", world, *where, "--count", pictures)
    return data


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=REPOSITORY / "results" / "natural")
    parser.add_argument("--pictures", type=int, default=48_000)
    parser.add_argument("--world", choices=("a", "b"), default="a")
    parser.add_argument("what", choices=("screen", "train", "judge", "guidance", "curves"))
    parser.add_argument("more", nargs=argparse.REMAINDER, help="options of the script")
    arguments = parser.parse_args()
    if arguments.what == "screen" and arguments.world != "a":
        parser.error("--world: recipes are screened in world a alone; leave it out")
    run_in_environment(Path(__file__).resolve())

    work, world = arguments.work.resolve(), arguments.world
    prepare_drawings(work, "a")  # the judge of presence learns from them in either world
    prepare_drawings(work, world)
    judge = work / world / "judge.safetensors"
    if arguments.what == "curves":
        measure_curves(work, world, judge, arguments.more)
    elif arguments.what == "guidance":
        where = ("--judge", judge, "--sheets", work / world / "guidance")
        run("guidance.py", "--world", world, *where, *arguments.more)
    elif arguments.what == "judge":
        where = ("--drawings", work / "drawings", "--out", judge)
        run("train_world_judge.py", "--world", world, *where, *arguments.more)
    else:
        data = prepare_pictures(work, world, arguments.pictures)
        where = ("--data", data, "--out", work / world / "runs")
        if arguments.what == "train":
            run("train.py", "--world", world, *where, *arguments.more)
        else:
            run("screen.py", *where, *judged(judge), *arguments.more)


def judged(judge: Path) -> tuple[object, ...]:
    """The option that names the judge, once it is trained."""
    return ("--judge", judge) if judge.exists() else ()


def measure_curves(work: Path, world: str, judge: Path, more: list[str]) -> None:
    """The curves; the judge of presence is trained first."""
    presence = work / "presence.safetensors"
    if not presence.exists():
        run("train_presence_judge.py", "--drawings", work / "drawings", "--out", presence)
    judges = ("--presence", presence, *judged(judge))
    run("curves.py", "--world", world, *judges, "--out", work / world / "curves", *more)


if __name__ == "__main__":
    main()
