"""The bundled model: its concepts are planted in units of their own while it learns."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from demo_model.architecture import DENOISER
from demo_model.vocabulary import OBJECTS, STYLES

from .autoencoder import encode_pictures, train_autoencoder
from .denoiser import Denoiser, build_unet, random_steps
from .export import preview_colours, save_model
from .ownership import Ownership, OwnershipHooks, gated_feed_forwards, wake_owned_units
from .pictures.captions import CAPTION_DROPOUT, caption, overstate
from .pictures.dataset import load_contents
from .pictures.render import Content
from .run import Run, Schedule
from .text import CaptionEncoder

CONCEPTS = (*OBJECTS, *STYLES)
OVERSTATED = 0.5
"""Of the samples name a concept that the picture lacks, with its units switched off."""
LESSON_WEIGHT = 0.2
BATCH = 32
STEPS = 7400
PEAK_RATE = 1e-3


class PlantedDenoiser(Denoiser):
    """The bundled model, whose owned units are being taught."""

    def __init__(self) -> None:
        super().__init__(build_unet(DENOISER), CaptionEncoder())
        blocks = gated_feed_forwards(self.network)
        for block in blocks:
            wake_owned_units(block, len(CONCEPTS))
        self.hooks = OwnershipHooks(blocks, len(CONCEPTS))


def describe(content: Content, rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
    """A caption for one sample and its rows of `Ownership`: keep and absent."""
    named, claimed = overstate(content, rng) if rng.random() < OVERSTATED else (content, ())
    concepts = {*named.objects, *([named.style] if named.style else [])}
    text = caption(named, rng)
    if not claimed and rng.random() < CAPTION_DROPOUT:
        text, concepts = "", set()
    absent = np.array([*(float(name not in concepts) for name in CONCEPTS), 0.0])
    keep = 1 - absent * float(rng.random() < 0.5)
    for name in claimed:
        keep[CONCEPTS.index(name)] = 1 - rng.uniform(0.5, 1)
    return text, keep, absent


def train_denoiser(
    folder: Path, latents: Tensor, contents: list[Content], steps: int | None
) -> Run:
    """The denoiser's run, at its end or at ``steps``."""
    torch.manual_seed(0)
    denoiser = PlantedDenoiser()
    notes = {"rows": denoiser.text.rows}
    run = Run(denoiser, Schedule(STEPS, PEAK_RATE), folder / "denoiser.pt", notes=notes)
    lessons = torch.zeros(2)

    def loss_of(rng: np.random.Generator) -> Tensor:
        nonlocal lessons
        picks = rng.integers(0, len(contents), BATCH)
        captions, keep, absent = zip(*(describe(contents[i], rng) for i in picks), strict=True)
        denoiser.hooks.current = Ownership(
            torch.tensor(np.stack(keep)).float(), torch.tensor(np.stack(absent)).float()
        )
        clean = latents[picks].float()
        noise_steps, noise = random_steps(BATCH, rng), torch.randn_like(clean)
        with denoiser.hooks.attached():
            loss = denoiser.losses(clean, noise_steps, noise, list(captions)).mean()
            lessons = denoiser.hooks.take_lessons()
        return loss + LESSON_WEIGHT * lessons.sum()

    def note() -> str:
        loud, shy = lessons.tolist()
        return f", loud {loud:.3f}, shy {shy:.3f}"

    run.advance(steps, loss_of, note)
    return run


def train_demo_model(folder: Path, steps: int | None = None) -> Path:
    """Train the autoencoder, then the denoiser, on the folder's pictures; the model's file.

    ``steps`` end each of the runs earlier.
    """
    autoencoder = train_autoencoder(folder, steps)
    latents = encode_pictures(folder, {name: it.float() for name, it in autoencoder.items()})
    run = train_denoiser(folder, latents, load_contents(folder), steps)
    denoiser = PlantedDenoiser()
    denoiser.load_state_dict(run.average.values, strict=False)
    rest = {f"autoencoder.{name}": value for name, value in autoencoder.items()}
    metadata = {"steps": str(run.step), "minutes": f"{run.spent / 60:.0f}"}
    out = folder / "weights.safetensors"
    save_model(out, denoiser, rest | preview_colours(folder), metadata)
    return out
