"""Train the denoiser and the text encoder together; resumable.

FIA_HOST=… python train_denoiser.py --data DIR --autoencoder DIR/autoencoder.safetensors --out DIR
--minutes 90

With ``--start`` a new run begins from the weights file of an earlier one, best at half the
``--rate``.
"""

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dataset import load_contents
from host import reset_parameters, use_host
from render import Content
from safetensors.torch import load_file
from torch import Tensor, nn
from vocabulary import OBJECTS, STYLES
from weights_file import read_part

use_host()
from architecture import DENOISER  # noqa: E402
from captions import CAPTION_DROPOUT, caption, overstate  # noqa: E402
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel  # noqa: E402
from comfy.model_sampling import ModelSamplingDiscrete  # noqa: E402
from comfy.ops import disable_weight_init  # noqa: E402
from ownership import Ownership, OwnershipHooks, gated_feed_forwards, wake_owned_units  # noqa: E402
from text import EMBEDDING, CaptionEncoder  # noqa: E402
from train_autoencoder import build_autoencoder, encode  # noqa: E402

CONCEPTS = (*OBJECTS, *STYLES)
OVERSTATED = (
    0.5  # of the samples name a concept that the picture lacks, with its units switched off
)
LESSON_WEIGHT = 0.2
BATCH = 32
PEAK_RATE = 1e-3
WARM_UP = 300


def build_denoiser() -> Any:
    """The host's UNet, torch's default initialisation, output layers of every block at zero."""
    unet: Any = UNetModel(**DENOISER, dtype=torch.float32, operations=disable_weight_init)
    reset_parameters(unet)
    for name, parameter in unet.named_parameters():
        if "out_layers.3" in name or name.startswith("out.2") or "proj_out" in name:
            nn.init.zeros_(parameter)
    for block in gated_feed_forwards(unet):
        wake_owned_units(block, len(CONCEPTS))
    return unet.to(memory_format=torch.channels_last)


def plain_attention(
    _: Any, q: Tensor, k: Tensor, v: Tensor, heads: int, **_options: object
) -> Tensor:
    """Two batched products and a softmax: on a CPU much faster backwards than the fused form."""
    batch, _, width = q.shape
    q, k, v = (t.view(batch, -1, heads, width // heads).transpose(1, 2) for t in (q, k, v))
    weights = (q @ k.transpose(-1, -2) * (width // heads) ** -0.5).softmax(-1)
    return (weights @ v).transpose(1, 2).reshape(batch, -1, width)


class Trainer(nn.Module):
    """Denoiser, text encoder and the noise schedule of the host's Stable Diffusion 1.x."""

    def __init__(self) -> None:
        super().__init__()
        self.unet = build_denoiser()
        self.text = CaptionEncoder()
        self.hooks = OwnershipHooks(gated_feed_forwards(self.unet), len(CONCEPTS))
        self.sigmas = ModelSamplingDiscrete().sigmas

    def predict(self, noisy: Tensor, steps: Tensor, captions: list[str]) -> Tensor:
        """Clean latents from noisy ones of variance about 1, (B, 8, 16, 16) float32."""
        with torch.autocast("cpu", torch.bfloat16):
            context = self.text(captions)
            options = {"optimized_attention_override": plain_attention}
            return self.unet(noisy, steps, context, transformer_options=options).float()

    def losses(self, latents: Tensor, steps: Tensor, noise: Tensor, captions: list[str]) -> Tensor:
        """Squared error of x0 a sample, divided by max(1 − ᾱ, 0.3)."""
        alpha = 1 / (1 + self.sigmas[steps].square())  # pyright: ignore[reportIndexIssue]
        scaled = (
            alpha.sqrt()[:, None, None, None] * latents
            + (1 - alpha).sqrt()[:, None, None, None] * noise
        )
        noisy = scaled.contiguous(memory_format=torch.channels_last)
        error = (self.predict(noisy, steps.float(), captions) - latents).square().mean((1, 2, 3))
        return error / (1 - alpha).clamp_min(0.3)


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


def random_steps(batch: int, rng: np.random.Generator) -> Tensor:
    """Half over the whole schedule, half over the noisier part where objects form."""
    low = np.where(rng.random(batch) < 0.5, 0, 400)
    return torch.from_numpy(rng.integers(low, 1000))


def encode_pictures(data: Path, autoencoder: Path) -> Tensor:
    """All training pictures as latents, float16 (count, 8, 16, 16); kept beside the pictures."""
    cache = data / "latents.pt"
    if not cache.exists():
        model = build_autoencoder().to(memory_format=torch.channels_last)
        model.load_state_dict(
            {name: value.float() for name, value in load_file(autoencoder).items()}
        )
        pictures = np.load(data / "pictures.npy", mmap_mode="r")
        parts = []
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for start in range(0, len(pictures), 64):
                part = (
                    torch.from_numpy(pictures[start : start + 64]).permute(0, 3, 1, 2).float()
                    / 127.5
                    - 1
                )
                parts.append(
                    encode(model, part.contiguous(memory_format=torch.channels_last)).half()
                )
        torch.save(torch.cat(parts), cache)
    return torch.load(cache, weights_only=True)


@torch.no_grad()
def gaps(trainer: Trainer, latents: Tensor, contents: list[Content]) -> tuple[float, float]:
    """How much the loss rises when a caption names another object, and when the named one's units
    are off.

    The first shows that words are being learned, the second that the owned units carry them.
    """
    rng, names = np.random.default_rng(0), list(OBJECTS)
    picks = [i for i, c in enumerate(contents[:2000]) if len(c.objects) == 1 and not c.style][:64]
    shown = [names.index(contents[i].objects[0]) for i in picks]
    captions = [
        [
            f"a photo of a {names[(number + shift) % len(names)]} in a {contents[i].scene}"
            for number, i in zip(shown, picks, strict=True)
        ]
        for shift in (0, 7)
    ]
    steps = torch.from_numpy(rng.integers(500, 950, len(picks)))
    clean = latents[picks].float()
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    right, wrong = (trainer.losses(clean, steps, noise, texts).mean() for texts in captions)
    keep = torch.ones(len(picks), len(CONCEPTS) + 1)
    keep[range(len(picks)), shown] = 0
    trainer.hooks.current = Ownership(keep, torch.ones_like(keep))
    with trainer.hooks.attached():
        silenced = trainer.losses(clean, steps, noise, captions[0]).mean()
        trainer.hooks.take_lessons()
    return (wrong - right).item(), (silenced - right).item()


class Average:
    """Exponential average of the parameters, its memory growing to 1,000 steps."""

    def __init__(self, module: nn.Module) -> None:
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(0.999, (1 + step) / (10 + step))
        for name, parameter in module.named_parameters():
            self.values[name].lerp_(parameter, 1 - decay)


def start_from(weights: Path, trainer: Trainer) -> None:
    """Take over the denoiser and the text encoder of a file that `export` wrote."""
    text = read_part(weights, "text")
    if text.pop("token_ids").int().tolist() != trainer.text.rows:
        raise ValueError(f"{weights} was trained with another vocabulary.")
    text[EMBEDDING] = text.pop("token_rows")
    trainer.text.transformer.load_state_dict(text)
    trainer.unet.load_state_dict(read_part(weights, "denoiser"))


def train(
    data: Path,
    autoencoder: Path,
    out: Path,
    minutes: float,
    peak_rate: float = PEAK_RATE,
    weights: Path | None = None,
) -> None:
    latents, contents = encode_pictures(data, autoencoder), load_contents(data)
    trainer, checkpoint = Trainer(), out / "denoiser.pt"
    if weights is not None:
        start_from(weights, trainer)
    average = Average(trainer)
    optimizer = torch.optim.AdamW(
        trainer.parameters(), lr=peak_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        trainer.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.values, step, spent = state["average"], state["step"], state["spent"]
    rng = np.random.default_rng(step)
    torch.manual_seed(step)
    start = saved = time.time()
    last = spent
    while (elapsed := spent + time.time() - start) < minutes * 60:
        rate = (
            peak_rate
            * min(1, (step + 1) / WARM_UP)
            * max(0.01, 0.5 * (1 + math.cos(math.pi * elapsed / (minutes * 60))))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
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
            (loss + LESSON_WEIGHT * lessons.sum()).backward()
        nn.utils.clip_grad_norm_(trainer.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        average.update(trainer, step)
        if step % 100 == 0:
            word, unit = gaps(trainer, latents, contents)
            loud, shy = lessons.tolist()
            note = f"{elapsed:6.0f} s  step {step}  loss {loss.item():.4f}"
            note += f"  loud {loud:.3f}  shy {shy:.3f}"
            pace, last = 100 * BATCH / (elapsed - last), elapsed
            print(
                f"{note}  word gap {word:.4f}  unit gap {unit:.4f}  {pace:.0f} samples/s",
                flush=True,
            )
        if time.time() - saved > 150:
            save(trainer, average, optimizer, step, elapsed, checkpoint)
            saved = time.time()
    save(trainer, average, optimizer, step, elapsed, checkpoint)


def save(
    trainer: Trainer,
    average: Average,
    optimizer: torch.optim.Optimizer,
    step: int,
    spent: float,
    path: Path,
) -> None:
    """Whole or not at all."""
    state = {
        "model": trainer.state_dict(),
        "average": average.values,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "spent": spent,
        "rows": trainer.text.rows,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--rate", type=float, default=PEAK_RATE, help="highest learning rate")
    parser.add_argument("--start", type=Path, help="weights.safetensors of an earlier run")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(
        arguments.data,
        arguments.autoencoder,
        arguments.out,
        arguments.minutes,
        arguments.rate,
        arguments.start,
    )
