"""The autoencoder: built of the host's class, trained on pictures, and what it makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from comfy.ldm.models.autoencoder import AutoencoderKL
from torch import Tensor

from demo_model.architecture import AUTOENCODER, LATENT_CHANNELS

from .host import reset_parameters
from .pictures.dataset import load_pictures
from .run import Run, Schedule

SMALL, WHOLE = 1600, 400
"""Steps of both halves on crops, then on whole pictures, so that attention sees its true size."""
DECODER = 2000
"""Steps of the decoder alone, on whole pictures; latents stay what they are."""
PEAK_RATE = 2e-3
LATENT_NOISE = 0.06
"""Standard deviation added before decoding: the decoder learns to bear the denoiser's errors."""
STATISTICS_WEIGHT = 0.02
LOOKED_AT = 256
"""The last pictures are for looking only."""


def half_precision() -> torch.autocast:
    """bfloat16 where the processor has it; elsewhere it is slower than float32."""
    fast = torch.backends.cpu.get_cpu_capability().startswith(("AVX512", "AMX"))
    return torch.autocast("cpu", torch.bfloat16, enabled=fast)


def build_autoencoder() -> Any:
    """The host's class with torch's default initialisation and a deterministic encoder."""
    model: Any = AutoencoderKL(**AUTOENCODER)
    reset_parameters(model)
    with torch.no_grad():
        # The second half of the moments is a log variance: −30 makes the host's sampling exact.
        model.quant_conv.weight[LATENT_CHANNELS:] = 0
        model.quant_conv.bias[LATENT_CHANNELS:] = -30
    for parameter in model.quant_conv.parameters():
        parameter.register_hook(_without_log_variance)
    for layer in (model.encoder.conv_in, model.decoder.conv_out):
        _keep_single_precision(layer)
    return model.to(memory_format=torch.channels_last)


def _without_log_variance(gradient: Tensor) -> Tensor:
    gradient = gradient.clone()
    gradient[LATENT_CHANNELS:] = 0
    return gradient


def _keep_single_precision(layer: Any) -> None:
    """Leave a layer out of autocast: bfloat16 gradients of 3-channel convolutions are very slow on
    a CPU."""
    convolve = layer.forward

    def forward(x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return convolve(x.float())

    layer.forward = forward


def encode(model: Any, pictures: Tensor) -> Tensor:
    """Latent means (B, 8, H/8, W/8) of pictures (B, 3, H, W) in [-1, 1]."""
    return model.quant_conv(model.encoder(pictures))[:, :LATENT_CHANNELS]


def decode(model: Any, latents: Tensor) -> Tensor:
    """Pictures of latents, the shapes of `encode`."""
    return model.decoder(model.post_quant_conv(latents))


def encode_pictures(folder: Path, weights: dict[str, Tensor]) -> Tensor:
    """All pictures of a folder as latents, float16 (count, 8, 16, 16); kept as ``latents.pt``."""
    kept = folder / "latents.pt"
    if not kept.exists():
        print("encoding the pictures", flush=True)
        model = build_autoencoder()
        model.load_state_dict(weights)
        pictures, parts = load_pictures(folder), []
        with torch.no_grad(), half_precision():
            for start in range(0, len(pictures), 64):
                parts.append(encode(model, _as_batch(pictures[start : start + 64])).half())
        torch.save(torch.cat(parts), kept)
    return torch.load(kept, weights_only=True)


def _as_batch(pictures: np.ndarray) -> Tensor:
    """uint8 (B, H, W, 3) → float32 (B, 3, H, W) in [-1, 1]."""
    batch = torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


def crops(pictures: np.ndarray, rng: np.random.Generator, batch: int, side: int) -> Tensor:
    """Random crops at multiples of 8, (batch, 3, side, side) in [-1, 1]."""
    places = rng.integers(0, (pictures.shape[1] - side) // 8 + 1, (batch, 2)) * 8
    picks = rng.integers(0, len(pictures) - LOOKED_AT, batch)
    return _as_batch(
        np.stack(
            [
                pictures[i, y : y + side, x : x + side]
                for i, (y, x) in zip(picks, places, strict=True)
            ]
        )
    )


def difference_loss(decoded: Tensor, pictures: Tensor) -> Tensor:
    """Absolute and squared error of the pictures and, doubled, the absolute error of their
    horizontal and vertical differences, each a mean."""
    error = decoded.float() - pictures
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + error.square().mean() + 2 * edges


def train_autoencoder(folder: Path, steps: int | None = None) -> dict[str, Tensor]:
    """Train on the folder's pictures, both halves, then the decoder alone; its weights, float16.

    ``steps`` end both runs earlier.
    """
    pictures = load_pictures(folder)
    torch.manual_seed(0)
    model = build_autoencoder()

    def train(title: str, length: int, small: int) -> None:
        schedule = Schedule(length, PEAK_RATE, warm_up=100, weight_decay=1e-4)
        run = Run(model, schedule, folder / f"{title}.pt")

        def loss_of(rng: np.random.Generator) -> Tensor:
            side, batch = (64, 24) if run.step < small else (128, 8)
            shown = crops(pictures, rng, batch, side)
            with half_precision():
                latents = encode(model, shown)
                noisy = latents + LATENT_NOISE * torch.randn_like(latents)
                loss = difference_loss(decode(model, noisy), shown)
            flat = latents.float().transpose(0, 1).flatten(1)
            statistics = flat.mean(1).square().mean() + (flat.std(1) - 1).square().mean()
            return loss + STATISTICS_WEIGHT * statistics

        run.advance(steps, loss_of)
        model.load_state_dict(run.average.values)

    train("autoencoder", SMALL + WHOLE, SMALL)
    for part in (model.encoder, model.quant_conv):
        part.requires_grad_(False)
    train("decoder", DECODER, 0)
    return {name: value.contiguous().half() for name, value in model.state_dict().items()}
