"""Train the denoiser and the text encoder together; resumable.

FIA_HOST=… python train_denoiser.py --data DIR --autoencoder DIR/autoencoder.safetensors --out DIR
--steps 3800

With ``--start`` a new run begins from the weights file of an earlier one, best at half the
``--rate``.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from dataset import load_contents
from host import use_host
from render import Content
from torch import Tensor
from vocabulary import OBJECTS, STYLES
from weights_file import read_part

use_host()
from architecture import DENOISER  # noqa: E402
from captions import CAPTION_DROPOUT, caption, overstate  # noqa: E402
from denoiser import (  # noqa: E402
    Denoiser,
    Renamed,
    autoencoder_weights,
    build_unet,
    encode_pictures,
    random_steps,
    renamed,
    word_losses,
)
from loop import Run, Schedule  # noqa: E402
from ownership import Ownership, OwnershipHooks, gated_feed_forwards, wake_owned_units  # noqa: E402
from text import EMBEDDING, CaptionEncoder  # noqa: E402

CONCEPTS = (*OBJECTS, *STYLES)
OVERSTATED = (
    0.5  # of the samples name a concept that the picture lacks, with its units switched off
)
LESSON_WEIGHT = 0.2
BATCH = 32
PEAK_RATE = 1e-3


class Trainer(Denoiser):
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


@torch.no_grad()
def gaps(trainer: Trainer, looked_at: Renamed) -> tuple[float, float]:
    """How much the loss rises when a caption names another object, and when the named one's units
    are off.

    The first shows that words are being learned, the second that the owned units carry them.
    """
    right, wrong = word_losses(trainer, looked_at)
    keep = torch.ones(len(looked_at.shown), len(CONCEPTS) + 1)
    keep[range(len(keep)), looked_at.shown] = 0
    trainer.hooks.current = Ownership(keep, torch.ones_like(keep))
    with trainer.hooks.attached():
        silenced = trainer.losses(*looked_at[:3], looked_at.right).mean().item()
        trainer.hooks.take_lessons()
    return wrong - right, silenced - right


def start_from(weights: Path, trainer: Trainer) -> None:
    """Take over the denoiser and the text encoder of a file that `export` wrote."""
    text = read_part(weights, "text")
    if text.pop("token_ids").int().tolist() != trainer.text.rows:
        raise ValueError(f"{weights} was trained with another vocabulary.")
    text[EMBEDDING] = text.pop("token_rows")
    trainer.text.transformer.load_state_dict(text)
    trainer.network.load_state_dict(read_part(weights, "denoiser"))


def train(
    data: Path,
    autoencoder: Path,
    out: Path,
    steps: int,
    peak_rate: float = PEAK_RATE,
    weights: Path | None = None,
) -> None:
    latents = encode_pictures(data, autoencoder_weights(autoencoder))
    contents = load_contents(data)
    trainer = Trainer()
    if weights is not None:
        start_from(weights, trainer)
    notes = {"rows": trainer.text.rows}
    run = Run(trainer, Schedule(steps, peak_rate), out / "denoiser.pt", notes=notes)
    looked_at = renamed(latents, contents, list(OBJECTS))
    lessons = torch.zeros(2)

    def loss_of(rng: np.random.Generator) -> Tensor:
        nonlocal lessons
        picks = rng.integers(0, len(contents), BATCH)
        captions, keep, absent = zip(*(describe(contents[i], rng) for i in picks), strict=True)
        trainer.hooks.current = Ownership(
            torch.tensor(np.stack(keep)).float(), torch.tensor(np.stack(absent)).float()
        )
        clean = latents[picks].float()
        with trainer.hooks.attached():
            loss = trainer.losses(
                clean, random_steps(BATCH, rng), torch.randn_like(clean), list(captions)
            ).mean()
            lessons = trainer.hooks.take_lessons()
        return loss + LESSON_WEIGHT * lessons.sum()

    def report(step: int, loss: float) -> None:
        if step % 100 == 0:
            word, unit = gaps(trainer, looked_at)
            loud, shy = lessons.tolist()
            note = f"{run.spent:6.0f} s  step {step}  loss {loss:.4f}"
            note += f"  loud {loud:.3f}  shy {shy:.3f}"
            print(f"{note}  word gap {word:.4f}  unit gap {unit:.4f}", flush=True)

    run.advance(steps, loss_of, report)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3800, help=f"of {BATCH} samples")
    parser.add_argument("--rate", type=float, default=PEAK_RATE, help="highest learning rate")
    parser.add_argument("--start", type=Path, help="weights.safetensors of an earlier run")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(
        arguments.data,
        arguments.autoencoder,
        arguments.out,
        arguments.steps,
        arguments.rate,
        arguments.start,
    )
