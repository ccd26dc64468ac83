"""Prepare what is missing, then train and measure natural models; all of it resumable.

    python3 natural_model/start.py screen                      every recipe in turns
    python3 natural_model/start.py train --recipe unet-deep    one recipe to its end
    python3 natural_model/start.py judge                       the judge of world A
    python3 natural_model/start.py curves                      forgotten against kept, bundled model

What follows the first word is for ``screen.py``, ``train.py``, ``train_world_judge.py`` or
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


def prepare(work: Path) -> None:
    """The drawings, made once."""
    if not (work / "drawings" / "done").exists():
        subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", RENDERER], check=True)
        run("drawings.py", "--out", work / "drawings")
        (work / "drawings" / "done").touch()


def prepare_pictures(work: Path, pictures: int) -> None:
    """The pictures to train on, made once."""
    if not (work / "data" / "grid.png").exists():
        data = ("--drawings", work / "drawings", "--out", work / "data", "--count", pictures)
        run("world.py", *data)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=REPOSITORY / "results" / "natural")
    parser.add_argument("--pictures", type=int, default=48_000)
    parser.add_argument("what", choices=("screen", "train", "judge", "curves"))
    parser.add_argument("more", nargs=argparse.REMAINDER, help="options of the script")
    arguments = parser.parse_args()
    run_in_environment(Path(__file__).resolve())

    work = arguments.work.resolve()
    prepare(work)
    judge = work / "judge.safetensors"
    if arguments.what == "curves":
        measure_curves(work, judge, arguments.more)
        return
    if arguments.what == "judge":
        run("train_world_judge.py", *drawn(work, judge), *arguments.more)
        return
    prepare_pictures(work, arguments.pictures)
    data = ("--data", work / "data", "--out", work / "runs")
    if arguments.what == "train":
        run("train.py", *data, *arguments.more)
    else:
        judged = ("--judge", judge) if judge.exists() else ()
        run("screen.py", *data, *judged, *arguments.more)


def drawn(work: Path, out: Path) -> tuple[object, ...]:
    """What a judge's training is told."""
    return ("--drawings", work / "drawings", "--out", out)


def measure_curves(work: Path, judge: Path, more: list[str]) -> None:
    """The curves; the judge of presence is trained first."""
    presence = work / "presence.safetensors"
    if not presence.exists():
        run("train_presence_judge.py", *drawn(work, presence))
    judges = ("--presence", presence, *(("--judge", judge) if judge.exists() else ()))
    run("curves.py", *judges, "--out", work / "curves", *more)


if __name__ == "__main__":
    main()
