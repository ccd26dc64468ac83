"""Train a recipe by plain denoising; stopped at any time, it goes on where it was.

FIA_HOST=… python natural_model/train.py --recipe unet-deep --world a --data DIR --out DIR
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from paths import BUNDLED, use_training_scripts
from recipes import TRAINED, Recipe, recipe_in

use_training_scripts()
from host import use_host  # noqa: E402

use_host()
from captions import CAPTION_DROPOUT, caption  # noqa: E402
from dataset import load_contents  # noqa: E402
from denoiser import (  # noqa: E402
    Denoiser,
    encode_pictures,
    random_steps,
    renamed,
    word_losses,
)
from hosted import export_recipe  # noqa: E402
from loop import Run, Schedule  # noqa: E402
from networks import NAMES, build  # noqa: E402
from render import Content  # noqa: E402
from torch import Tensor  # noqa: E402
from weights_file import read_part  # noqa: E402

BATCH = 32
HELD = 0.8  # of a run before the learning rate falls
HELD_OUT = 512  # the last pictures of a data set are never trained on


def load_data(folder: Path) -> tuple[Tensor, list[Content]]:
    """Latents of the bundled autoencoder, float16 (count, 8, 16, 16), and what they show."""
    return encode_pictures(folder, read_part(BUNDLED, "autoencoder")), load_contents(folder)


def held_out_losses(
    denoiser: Denoiser, data: tuple[Tensor, list[Content]], names: Iterable[str]
) -> tuple[float, float]:
    """Mean losses of unseen pictures under captions that name the right object, and another."""
    latents, contents = data
    return word_losses(denoiser, renamed(latents[-HELD_OUT:], contents[-HELD_OUT:], list(names)))


class Training:
    """A recipe's run over a data set."""

    def __init__(
        self, recipe: Recipe, data: tuple[Tensor, list[Content]], checkpoint: Path, seed: int = 0
    ) -> None:
        self.recipe = recipe
        self.data = data
        torch.manual_seed(seed)
        self.denoiser = build(recipe)
        schedule = Schedule(
            recipe.samples // BATCH, recipe.peak_rate, held=HELD, weight_decay=recipe.weight_decay
        )
        self.run = Run(self.denoiser, schedule, checkpoint, seed)
        self.lately: list[float] = []  # losses since the last report

    @property
    def samples(self) -> int:
        """Seen so far."""
        return self.run.step * BATCH

    def advance(self, samples: int) -> None:
        """Train until that many samples have been seen, at most to the schedule's end."""
        self.run.advance(min(samples // BATCH, self.run.schedule.steps), self._loss, self._report)

    def _loss(self, rng: np.random.Generator) -> Tensor:
        latents, contents = self.data
        picks = rng.integers(0, len(contents) - HELD_OUT, BATCH)
        texts = [caption(contents[i], rng) for i in picks]
        texts = [text if rng.random() > CAPTION_DROPOUT else "" for text in texts]
        clean = latents[picks].float()
        noise = torch.randn_like(clean)
        return self.denoiser.losses(clean, random_steps(BATCH, rng), noise, texts).mean()

    def _report(self, step: int, loss: float) -> None:
        self.lately.append(loss)
        if step % 100 == 0:
            pace = self.samples / self.run.spent
            print(
                f"{self.run.spent:6.0f} s  {self.samples} samples  loss {np.mean(self.lately):.4f}"
                f"  {pace:.0f} samples/s",
                flush=True,
            )
            self.lately.clear()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=TRAINED, required=True)
    parser.add_argument("--world", choices=NAMES, default="a", help="of the data")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, help="stop earlier; the schedule stays")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, help="folder for the model, in half precision")
    parser.add_argument("--eight-bits", action="store_true", help="the model in 8 bits instead")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipe = recipe_in(arguments.recipe, arguments.world)
    title = f"{arguments.recipe}-{arguments.seed}"
    file = arguments.out / f"{title}.pt"
    training = Training(recipe, load_data(arguments.data), file, arguments.seed)
    training.advance(arguments.samples or recipe.samples)
    if arguments.models:
        model = arguments.models / f"{title}.safetensors"
        notes = {"world": recipe.world, "seed": arguments.seed, "samples": training.samples}
        dtype = torch.int8 if arguments.eight_bits else torch.half
        export_recipe(recipe, training.run.average.values, model, dtype, notes)
