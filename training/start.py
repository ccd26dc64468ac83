"""Train a model or the judges; stop it at any time, and the same command goes on.

    python3 training/start.py twin              the bundled model's twin: a UNet, nothing planted
    python3 training/start.py twin-auraflow     a twin in another architecture, or twin-lumina
    python3 training/start.py twin-lumina-fast  of that one, a model of four steps without guidance
    python3 training/start.py demo-model        the bundled model itself
    python3 training/start.py judges            both judges of the bundled names

Needs Python 3.10 or newer, the font Noto Color Emoji, and the first time the network: ComfyUI and
torch are installed into .environment/. What came of each is in README.md.
"""

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from training.pictures.font import FONT, MISSING  # noqa: E402
from training.recipes import RECIPES  # noqa: E402
from workbench.environment import run_in_environment  # noqa: E402


@dataclass(frozen=True)
class Need:
    """What a training asks for: pictures to render, hours of two cores, and GB in its folder."""

    pictures: int
    hours: float
    room: float
    folder: str


NEEDS = {name: Need(24_000, recipe.hours, 2.0, "twins") for name, recipe in RECIPES.items()} | {
    "demo-model": Need(48_000, 3.0, 3.0, "demo-model"),
    "judges": Need(10_000, 1.0, 0.1, "judges"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=NEEDS)
    parser.add_argument("--seed", type=int, default=0, help="of a twin")
    parser.add_argument("--eight-bits", action="store_true", help="a twin's file in 8 bits")
    parser.add_argument("--work", type=Path, default=ROOT / "results" / "training")
    trial = "for a trial, best with a --work of its own"
    parser.add_argument("--pictures", type=int, help=f"to render; fewer {trial}")
    parser.add_argument("--steps", type=int, help=f"end each run earlier, {trial}")
    arguments = parser.parse_args()
    need = NEEDS[arguments.what]
    folder = arguments.work.resolve() / need.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not FONT.is_file():
        sys.exit(MISSING)
    free = shutil.disk_usage(folder).free / 1e9
    if free < need.room:
        sys.exit(f"{folder} needs {need.room:.1f} GB; {free:.1f} are free. --work names another.")

    run_in_environment(Path(__file__).resolve())
    pictures = arguments.pictures or need.pictures
    print(
        f"{arguments.what}: {pictures} pictures, about {need.hours:.1f} hours of two free cores, "
        f"{need.room:.1f} GB in {folder}",
        flush=True,
    )
    try:
        train(arguments, folder, pictures)
    except ValueError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nStopped; the same command goes on.")


def train(arguments: argparse.Namespace, folder: Path, pictures: int) -> None:
    """Train what was asked for, and say where it lies."""
    if arguments.what == "judges":
        from training.judges.train import train_judges

        train_judges(folder, pictures, arguments.steps)
        print(f"{folder / 'judge.safetensors'}\n{folder / 'transformer.safetensors'}")
        return

    from training.host import use_host

    use_host()
    from training.draw import save_grid
    from training.pictures.dataset import prepare_pictures
    from training.planted import train_demo_model
    from training.twin import train_twin

    prepare_pictures(folder, pictures)
    if arguments.what == "demo-model":
        model = train_demo_model(folder, arguments.steps)
    else:
        seed, eight_bits = arguments.seed, arguments.eight_bits
        model = train_twin(arguments.what, folder, seed, arguments.steps, eight_bits)
    print(f"{model}\n{save_grid(model)}")


if __name__ == "__main__":
    main()
