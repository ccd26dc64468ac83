"""ESD-x (arXiv 2303.07345): fine-tune cross-attention away from a concept, taught by the model.

For a noisy latent x_t the model is to answer to a concept c as the original ε* answers with
negative guidance η:

    ε(x_t, c, t)  ←  ε*(x_t, ∅, t) − η [ε*(x_t, c, t) − ε*(x_t, ∅, t)]

x_t is what the model itself makes of noise for c, with classifier-free guidance, up to a step drawn
at random; it is guided by the weights in training. The factors of the target add up to 1, so it is
the same target for a network that predicts the noise, the velocity or the clean latent; the mean
squared error is taken on what the network predicts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

Parameters = Mapping[str, Tensor]
EMPTY = 0  # the prompt without words comes first


class Denoiser(Protocol):
    """A differentiable network whose trained parameters can be exchanged."""

    def predict(self, parameters: Parameters, x: Tensor, sigma: Tensor, prompts: Tensor) -> Tensor:
        """What the network says of x (rows, C, H, W) at noise levels (rows,) for prompts (rows,).

        Empty ``parameters`` mean the original ones.
        """
        ...

    def denoise(self, parameters: Parameters, x: Tensor, sigma: Tensor, prompts: Tensor) -> Tensor:
        """What ``predict`` says, as clean latents."""
        ...


@dataclass(frozen=True)
class TrainingSettings:
    """How the fine-tune runs.

    Attributes:
        iterations: steps of the optimiser (paper: 1000).
        learning_rate: of Adam (paper: 1e-5).
        negative_guidance: η (paper: 1).
        start_guidance: guidance scale of the latents to train on (paper: 3).
        batch_size: latents an iteration, all at one step.
        seed: of noise, prompts and steps.
    """

    iterations: int
    learning_rate: float
    negative_guidance: float
    start_guidance: float
    batch_size: int
    seed: int


def erasing_target(plain: Tensor, concept: Tensor, negative_guidance: float) -> Tensor:
    """The answers to the concept that the network is trained to give; all of one shape."""
    return plain - negative_guidance * (concept - plain)


def fine_tune(
    denoiser: Denoiser,
    original: Parameters,
    start: Callable[[Tensor], Tensor],
    shape: tuple[int, ...],
    sigmas: Tensor,
    prompts: int,
    settings: TrainingSettings,
    after_iteration: Callable[[], None],
) -> dict[str, Tensor]:
    """Train copies of ``original``; the same seed gives the same, bit for bit, on a CPU.

    Args:
        denoiser: prompt 0 is the empty one, the concepts' are 1 … ``prompts``.
        original: the parameters to train, float32.
        start: makes unit noise (rows, C, H, W) to latents at the first noise level.
        shape: (C, H, W) of a latent.
        sigmas: noise levels of the schedule, falling, the last is 0.
        prompts: how many concept prompts there are.
        settings: of the training.
        after_iteration: called after each step of the optimiser; what it raises ends the training.

    Returns:
        The trained parameters by name, float32, without gradient.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    trained = {name: value.clone().requires_grad_() for name, value in original.items()}
    optimiser = torch.optim.Adam(trained.values(), lr=settings.learning_rate)
    for _ in range(settings.iterations):
        prompt = 1 + _draw(prompts, generator)
        step = _draw(len(sigmas) - 1, generator)
        noise = torch.randn(settings.batch_size, *shape, generator=generator)
        rows = torch.full((len(noise),), prompt)
        with torch.no_grad():
            x = _walk(denoiser, trained, start(noise), sigmas[: step + 1], rows, settings)
            sigma = sigmas[step].expand(len(x))
            both = torch.cat([torch.full_like(rows, EMPTY), rows])
            plain, concept = denoiser.predict(
                {}, torch.cat([x, x]), torch.cat([sigma, sigma]), both
            ).chunk(2)
            target = erasing_target(plain, concept, settings.negative_guidance)
        loss = functional.mse_loss(denoiser.predict(trained, x, sigma, rows), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        after_iteration()
    return {name: value.detach() for name, value in trained.items()}


def _walk(
    denoiser: Denoiser,
    trained: Parameters,
    x: Tensor,
    sigmas: Tensor,
    rows: Tensor,
    settings: TrainingSettings,
) -> Tensor:
    """Euler's method with guidance from the first to the last of ``sigmas``."""
    both = torch.cat([torch.full_like(rows, EMPTY), rows])
    for sigma, following in pairwise(sigmas):
        levels = sigma.expand(len(both))
        plain, concept = denoiser.denoise(trained, torch.cat([x, x]), levels, both).chunk(2)
        clean = plain + settings.start_guidance * (concept - plain)
        x = clean + following / sigma * (x - clean)
    return x


def _draw(count: int, generator: torch.Generator) -> int:
    """A random number from 0 to ``count`` − 1."""
    return int(torch.randint(count, (), generator=generator))
