"""Train the autoencoder on the rendered pictures; resumable.

    FIA_HOST=… python train_autoencoder.py --data DIR --out DIR --minutes 15

With ``--decoder-only`` the latents stay what they are, so that a denoiser trained on them keeps
its worth. With ``--start`` a new run begins from the weights file of an earlier one.
"""

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from host import reset_parameters, use_host
from safetensors.torch import save_file
from torch import Tensor, nn
from weights_file import read_part

use_host()
from architecture import AUTOENCODER, LATENT_CHANNELS  # noqa: E402
from comfy.ldm.models.autoencoder import AutoencoderKL  # noqa: E402

# Standard deviation added before decoding: the decoder learns to bear the denoiser's errors.
LATENT_NOISE = 0.06
STATISTICS_WEIGHT = 0.02
PEAK_RATE = 2e-3


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
    for layer in (model.encoder.conv_in, model.decoder.conv_out):
        keep_single_precision(layer)
    return model


def keep_single_precision(layer: Any) -> None:
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
    return model.decoder(model.post_quant_conv(latents))


def difference_loss(decoded: Tensor, pictures: Tensor) -> Tensor:
    """Mean absolute error of the pictures and, doubled, of their horizontal and vertical
    differences."""
    error = decoded.float() - pictures
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + error.square().mean() + 2 * edges


def crops(pictures: np.ndarray, rng: np.random.Generator, batch: int, side: int) -> Tensor:
    """Random crops at multiples of 8, (batch, 3, side, side) in [-1, 1]."""
    places = rng.integers(0, (pictures.shape[1] - side) // 8 + 1, (batch, 2)) * 8
    picks = rng.integers(
        0, len(pictures) - 256, batch
    )  # the last 256 pictures are for looking only
    cut = np.stack(
        [pictures[i, y : y + side, x : x + side] for i, (y, x) in zip(picks, places, strict=True)]
    )
    return torch.from_numpy(cut).permute(0, 3, 1, 2).float() / 127.5 - 1


def train(
    data: Path, out: Path, minutes: float, decoder_only: bool, start_from: Path | None
) -> None:
    pictures = np.load(data / "pictures.npy", mmap_mode="r")
    checkpoint = out / "autoencoder.pt"
    model = build_autoencoder().to(memory_format=torch.channels_last)
    if decoder_only:
        for part in (model.encoder, model.quant_conv):
            part.requires_grad_(False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        step = state["step"]
        if not decoder_only:
            optimizer.load_state_dict(state["optimizer"])
    elif start_from:
        model.load_state_dict(read_part(start_from, "autoencoder"))
    rng = np.random.default_rng(step)
    start, noted = time.time(), time.time()
    while (elapsed := time.time() - start) < minutes * 60:
        # Small crops first; whole pictures in the last part, so that attention sees its true size.
        side, batch = (64, 24) if elapsed < 0.8 * minutes * 60 and not decoder_only else (128, 8)
        for group in optimizer.param_groups:
            warm = min(1.0, (step + 1) / 100)
            falling = 0.5 * (1 + math.cos(math.pi * elapsed / (minutes * 60)))
            group["lr"] = PEAK_RATE * warm * max(0.02, falling)
        target = crops(pictures, rng, batch, side).contiguous(memory_format=torch.channels_last)
        with half_precision():
            latents = encode(model, target)
            noisy = latents + LATENT_NOISE * torch.randn_like(latents)
            loss = difference_loss(decode(model, noisy), target)
        flat = latents.float().transpose(0, 1).flatten(1)
        statistics = flat.mean(1).square().mean() + (flat.std(1) - 1).square().mean()
        (loss + STATISTICS_WEIGHT * statistics).backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        keep_exact(model)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % 50 == 0:
            note = f"{elapsed:6.0f} s  step {step}  loss {loss.item():.4f}"
            print(f"{note}  std {flat.std().item():.3f}", flush=True)
        if time.time() - noted > 60:
            save(model, optimizer, step, checkpoint)
            noted = time.time()
    save(model, optimizer, step, checkpoint)
    weights = {name: value.contiguous().half() for name, value in model.state_dict().items()}
    save_file(weights, out / "autoencoder.safetensors")


def keep_exact(model: Any) -> None:
    """The log-variance half of the moments gets no gradient and stays as it was set."""
    for parameter in model.quant_conv.parameters():
        if parameter.grad is not None:
            parameter.grad[LATENT_CHANNELS:] = 0


def save(model: Any, optimizer: torch.optim.Optimizer, step: int, path: Path) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, partial
    )
    partial.replace(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--decoder-only", action="store_true", help="leave the latents as they are")
    parser.add_argument("--start", type=Path, help="weights.safetensors of an earlier run")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(
        arguments.data,
        arguments.out,
        arguments.minutes,
        arguments.decoder_only,
        arguments.start,
    )
