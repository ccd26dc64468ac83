"""A twin: another network on the bundled model's pictures, taught by plain denoising alone."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from demo_model.loader import WEIGHTS

from .autoencoder import encode_pictures
from .denoiser import random_steps
from .export import export_twin, read_part
from .few_steps import FewSteps
from .networks import build
from .pictures.captions import CAPTION_DROPOUT, caption
from .pictures.dataset import load_contents
from .pictures.render import Content
from .recipes import RECIPES, Recipe
from .run import Run, Schedule

BATCH = 32
PEAK_RATE, FEW_STEPS_RATE = 1e-3, 3e-4
HELD = 0.8  # of a run before the learning rate falls
HELD_OUT = 512  # the last pictures of a data set are never trained on


class Training:
    """A recipe's run over latents, float16 (count, 8, 16, 16), and what they show.

    Args:
        teacher: parameters of the twin that a recipe with a teacher learns from.
    """

    def __init__(
        self,
        recipe: Recipe,
        latents: Tensor,
        contents: list[Content],
        checkpoint: Path,
        seed: int = 0,
        teacher: dict[str, Tensor] | None = None,
    ) -> None:
        self.latents, self.contents = latents, contents
        torch.manual_seed(seed)
        self.denoiser = build(recipe)
        rate = PEAK_RATE
        if teacher is None:
            self.losses = self.denoiser.losses
        else:
            self.denoiser.load_state_dict(teacher, strict=False)
            self.losses, rate = FewSteps(self.denoiser).losses, FEW_STEPS_RATE
        schedule = Schedule(recipe.samples // BATCH, rate, held=HELD)
        self.run = Run(self.denoiser, schedule, checkpoint, seed)

    def loss(self, rng: np.random.Generator) -> Tensor:
        """Of a random batch, a scalar."""
        picks = rng.integers(0, len(self.contents) - HELD_OUT, BATCH)
        texts = [caption(self.contents[i], rng) for i in picks]
        texts = [text if rng.random() > CAPTION_DROPOUT else "" for text in texts]
        clean = self.latents[picks].float()
        noise = torch.randn_like(clean)
        return self.losses(clean, random_steps(BATCH, rng), noise, texts).mean()


def train_twin(
    name: str, folder: Path, seed: int, steps: int | None = None, eight_bits: bool = False
) -> Path:
    """Train a recipe on the folder's pictures; the model's file, for which the bundled model has
    the autoencoder.

    Args:
        name: of `RECIPES`.
        folder: with the pictures; checkpoints and models are written there.
        seed: of another twin.
        steps: at which to stop before the recipe's end; 0 writes the checkpoint's model.
        eight_bits: a weight, in the file.

    Raises:
        ValueError: the recipe's teacher has not been trained.
    """
    recipe = RECIPES[name]
    teacher = _average(folder / f"{recipe.teacher}-{seed}.pt") if recipe.teacher else None
    latents = encode_pictures(folder, read_part(WEIGHTS, "autoencoder"))
    title = f"{name}-{seed}"
    contents, checkpoint = load_contents(folder), folder / f"{title}.pt"
    training = Training(recipe, latents, contents, checkpoint, seed, teacher)
    training.run.advance(steps, training.loss)
    notes = {"world": "bundled", "seed": seed, "samples": training.run.step * BATCH}
    out = folder / f"{title}.safetensors"
    dtype = torch.int8 if eight_bits else torch.half
    export_twin(recipe, training.run.average.values, out, dtype, notes)
    return out


def _average(checkpoint: Path) -> dict[str, Tensor]:
    if not checkpoint.exists():
        raise ValueError(f"{checkpoint} is missing: train that model first, with the same seed.")
    return torch.load(checkpoint, weights_only=True)["average"]
