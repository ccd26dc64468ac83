"""A denoiser and its text encoder in training, with the loss of plain denoising."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_sampling import ModelSamplingDiscrete
from comfy.ops import disable_weight_init
from host import reset_parameters
from render import Content
from safetensors.torch import load_file
from text import CaptionEncoder
from torch import Tensor, nn
from train_autoencoder import build_autoencoder, encode, half_precision


def build_unet(sizes: dict[str, Any]) -> Any:
    """The host's UNet, torch's default initialisation, output layers of every block at zero."""
    unet: Any = UNetModel(**sizes, dtype=torch.float32, operations=disable_weight_init)
    reset_parameters(unet)
    for name, parameter in unet.named_parameters():
        if "out_layers.3" in name or name.startswith("out.2") or "proj_out" in name:
            nn.init.zeros_(parameter)
    return unet.to(memory_format=torch.channels_last)


def plain_attention(
    _: Any,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: int,
    *,
    skip_reshape: bool = False,
    **_options: object,
) -> Tensor:
    """Two batched products and a softmax: on a CPU much faster backwards than the fused form.

    q, k and v are (B, tokens, width), or (B, heads, tokens, width of a head) with
    ``skip_reshape``; the answer is (B, tokens, width).
    """
    if not skip_reshape:
        q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)


class Denoiser(nn.Module):
    """A UNet that answers with the clean latent, over the noise schedule of the host's Stable
    Diffusion 1.x.

    Args:
        network: called with noisy latents, steps and contexts as the host calls a denoiser.
    """

    def __init__(self, network: Any, text: CaptionEncoder) -> None:
        super().__init__()
        self.network, self.text = network, text
        self.sigmas = ModelSamplingDiscrete().sigmas

    def answer(self, noisy: Tensor, steps: Tensor, captions: list[str]) -> Tensor:
        """What the network says to noisy latents of variance about 1, (B, 8, 16, 16) float32."""
        with half_precision():
            options = {"optimized_attention_override": plain_attention}
            contexts = self.text(captions)
            return self.network(noisy, steps, contexts, transformer_options=options).float()

    def losses(self, latents: Tensor, steps: Tensor, noise: Tensor, captions: list[str]) -> Tensor:
        """Squared error of x0 a sample, divided by max(1 − ᾱ, 0.3); ``steps`` are 0 … 999."""
        alpha = 1 / (1 + self.sigmas[steps].square())  # pyright: ignore[reportIndexIssue]
        alpha = alpha[:, None, None, None]
        scaled = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
        noisy = scaled.contiguous(memory_format=torch.channels_last)
        error = (self.answer(noisy, steps.float(), captions) - latents).square()
        return (error / (1 - alpha).clamp_min(0.3)).mean((1, 2, 3))


def random_steps(batch: int, rng: np.random.Generator) -> Tensor:
    """Half over the whole schedule, half over the noisier part where objects form."""
    low = np.where(rng.random(batch) < 0.5, 0, 400)
    return torch.from_numpy(rng.integers(low, 1000))


class Renamed(NamedTuple):
    """Pictures of one object each, with captions that name it and captions that name another.

    ``shown`` are the objects' numbers; steps are from the part where objects form.
    """

    latents: Tensor
    steps: Tensor
    noise: Tensor
    shown: list[int]
    right: list[str]
    wrong: list[str]


def renamed(latents: Tensor, contents: list[Content], names: list[str]) -> Renamed:
    """The first 64 plain pictures of one object and nothing else, always with the same noise."""
    picks = [
        i
        for i, content in enumerate(contents)
        if len(content.objects) == 1 and not content.style and not content.unmentioned
    ][:64]
    shown = [names.index(contents[i].objects[0]) for i in picks]
    right, wrong = (
        [
            f"a photo of a {names[(number + shift) % len(names)]} in a {contents[i].scene}"
            for number, i in zip(shown, picks, strict=True)
        ]
        for shift in (0, 7)
    )
    steps = torch.from_numpy(np.random.default_rng(0).integers(500, 950, len(picks)))
    clean = latents[picks].float()
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return Renamed(clean, steps, noise, shown, right, wrong)


@torch.no_grad()
def word_losses(denoiser: Denoiser, looked_at: Renamed) -> tuple[float, float]:
    """Mean losses with the right captions and with the wrong ones: how far they are apart shows
    whether words are being learned."""
    fixed = looked_at[:3]
    right, wrong = (
        denoiser.losses(*fixed, texts).mean().item() for texts in (looked_at.right, looked_at.wrong)
    )
    return right, wrong


def encode_pictures(data: Path, autoencoder: dict[str, Tensor]) -> Tensor:
    """All pictures of a data set as latents, float16 (count, 8, 16, 16); kept beside the
    pictures."""
    cache = data / "latents.pt"
    if not cache.exists():
        model = build_autoencoder().to(memory_format=torch.channels_last)
        model.load_state_dict(autoencoder)
        pictures = np.load(data / "pictures.npy", mmap_mode="r")
        parts = []
        with torch.no_grad(), half_precision():
            for start in range(0, len(pictures), 64):
                part = torch.from_numpy(pictures[start : start + 64].copy()).permute(0, 3, 1, 2)
                part = (part.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
                parts.append(encode(model, part).half())
        torch.save(torch.cat(parts), cache)
    return torch.load(cache, weights_only=True)


def autoencoder_weights(file: Path) -> dict[str, Tensor]:
    """What ``train_autoencoder.py`` wrote, in float32."""
    return {name: value.float() for name, value in load_file(file).items()}
