"""A denoiser and its text encoder in training, with the loss of plain denoising."""

from functools import partial
from typing import Any

import numpy as np
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_sampling import ModelSamplingDiscrete
from comfy.ops import disable_weight_init
from torch import Tensor, nn

from .autoencoder import half_precision
from .host import reset_parameters
from .text import CaptionEncoder


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
    mask: None = None,
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
        options: more that the network is called with.
    """

    def __init__(self, network: Any, text: CaptionEncoder, **options: object) -> None:
        super().__init__()
        self.network, self.text, self.options = network, text, options
        self.sigmas = ModelSamplingDiscrete().sigmas

    def answer(self, noisy: Tensor, steps: Tensor, captions: list[str]) -> Tensor:
        """What the network says to noisy latents of variance about 1, (B, 8, 16, 16) float32."""
        with half_precision():
            options = {"optimized_attention_override": plain_attention}
            contexts = self.text(captions)
            network = partial(self.network, transformer_options=options, **self.options)
            return network(noisy, steps, contexts).float()

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
