"""ESD-x (arXiv 2303.07345): fine-tune cross-attention away from a concept, taught by the model.

For a noisy latent x_t the model learns to answer to a concept c as the original ε* answers with
negative guidance η:

    ε(x_t, c, t)  ←  ε*(x_t, ∅, t) − η [ε*(x_t, c, t) − ε*(x_t, ∅, t)]

x_t is what the model itself makes of noise for c, with classifier-free guidance, up to a step drawn
at random; it is guided by the weights in training. The factors of the target add up to 1, so it is
the same target for a network that predicts the noise, the velocity or the clean latent; the mean
squared error is taken on what the network predicts.

Decided where the paper is silent: with many concepts or templates each iteration draws one prompt;
all of cross-attention is trained (queries, keys, values, output); latents to train on are walked to
with Euler's method, which is DDIM without noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Protocol

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from ...nodes.host.denoising.conditioning import encode_prompts, stack_prompts
from ...nodes.host.denoising.denoise import empty_latent
from .denoiser_weights import (
    Parameters,
    cross_attention_parameters,
    weights_in_effect,
    with_differences,
)
from .erased import Erased
from .texts import Templates, filled
from .training_denoiser import TrainingDenoiser, counter

EMPTY = 0  # the prompt without words comes first
SCHEDULER = "normal"


def esdx(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    templates: Templates = ("a {concept}",),  # as the bundled model's captions name things
    iterations: Annotated[int, Field(ge=0)] = 100,
    learning_rate: Annotated[float, Field(ge=0)] = 1e-5,
    negative_guidance: float = 1.0,
    start_guidance: float = 3.0,
    schedule_steps: Annotated[int, Field(ge=1)] = 10,
    batch_size: Annotated[int, Field(ge=1)] = 1,
    seed: int = 0,
    width: int = 512,
    height: int = 512,
) -> Erased:
    """A short fine-tune of cross-attention.

    The paper forgets one concept in 1,000 iterations; for the bundled model, which forgets up to
    ten, a tenth of that for each did best (suite *peers*).

    Args:
        model, clip, concepts: see the package.
        templates: texts of the concepts.
        iterations: for each concept; all are trained together.
        schedule_steps: from noise to picture, of which each iteration draws one.
        width, height: of the pictures in pixels.
        learning_rate, negative_guidance, start_guidance, batch_size, seed: see
            ``TrainingSettings``.

    Raises:
        ValueError: a text is too long for the text encoder, or there is no cross-attention.
    """
    settings = TrainingSettings(
        iterations * len(concepts),
        learning_rate,
        negative_guidance,
        start_guidance,
        batch_size,
        seed,
    )
    prompts = stack_prompts(encode_prompts(clip, ["", *filled(templates, concepts)]))
    sampling: Any = model.get_model_object("model_sampling")
    with torch.inference_mode(False), torch.enable_grad():
        latent = empty_latent(model, width, height)
        original = weights_in_effect(model, cross_attention_parameters(model))
        sigmas = comfy.samplers.calculate_sigmas(sampling, SCHEDULER, schedule_steps)
        sigmas = sigmas.to(model.load_device, copy=True)

        def start(noise: Tensor) -> Tensor:
            noise = noise.to(sigmas.device)
            clean = torch.zeros_like(noise)
            return sampling.noise_scaling(sigmas[0], noise, clean, max_denoise=True)

        trained = fine_tune(
            TrainingDenoiser(model, prompts, latent),
            original,
            start,
            tuple(latent.shape[1:]),
            sigmas,
            len(prompts[0][0]) - 1,
            settings,
            counter(settings.iterations),
        )
        added = {name: trained[name] - weight for name, weight in original.items()}
        return Erased(with_differences(model, added), clip)


class Denoiser(Protocol):
    """A differentiable network whose trained parameters can be exchanged."""

    def predict(self, parameters: Parameters, x: Tensor, sigma: Tensor, prompts: Tensor) -> Tensor:
        """Its answer to x (rows, C, H, W) at noise levels (rows,) for prompts (rows,).

        Empty ``parameters`` mean the original ones.
        """
        ...

    def denoise(self, parameters: Parameters, x: Tensor, sigma: Tensor, prompts: Tensor) -> Tensor:
        """Its prediction as clean latents."""
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
    """The answer to learn for the concept; all of one shape."""
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
