"""Textual inversion (arXiv 2208.01618): learn the word that a frozen model draws pictures for.

    v* = argmin_v E[ ‖ε − ε_θ(x_t, c(v), t)‖² ]

Through a model that forgot it is the attack of Concept Inversion (arXiv 2308.01508): if some v*
makes the model draw what it should have forgotten, it had only lost the name. UnlearnDiffAtk
(arXiv 2310.11868) minimises the same error over prompts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Error = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(embedding (vectors, width), pictures (rows,), noise levels (rows,), unit noise (rows, C, H, W))
→ mean squared error of the model's prediction; differentiable in the embedding."""


@dataclass(frozen=True)
class LearningSettings:
    """How the embedding is learned.

    Attributes:
        iterations: steps of the optimiser.
        learning_rate: of Adam.
        batch_size: noised pictures an iteration.
        seed: of pictures, noise and noise levels.
    """

    iterations: int
    learning_rate: float
    batch_size: int
    seed: int


def learn_embedding(
    initial: Tensor,
    pictures: torch.Size,
    sigmas: Tensor,
    error: Error,
    settings: LearningSettings,
    after_iteration: Callable[[], None],
) -> Tensor:
    """The embedding after training; the same seed gives the same, bit for bit, on a CPU.

    Args:
        initial: (vectors, width) float32 to start from; left as it is.
        pictures: (count, C, H, W) of the latents that ``error`` knows by their number.
        sigmas: noise levels, each as likely as any other.
        error: what is made small.
        settings: of the training.
        after_iteration: called after each step of the optimiser; what it raises ends the training.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    embedding = initial.clone().requires_grad_()
    optimiser = torch.optim.Adam([embedding], lr=settings.learning_rate)
    rows = (settings.batch_size,)
    for _ in range(settings.iterations):
        chosen = torch.randint(pictures[0], rows, generator=generator)
        levels = torch.randint(len(sigmas), rows, generator=generator)
        noise = torch.randn(*rows, *pictures[1:], generator=generator)
        loss = error(embedding, chosen, sigmas[levels.to(sigmas.device)], noise)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        after_iteration()
    return embedding.detach()
