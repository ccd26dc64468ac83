"""A model of few steps without guidance, as people run them: it learns to do in one step what its
teacher does in several with guidance (Salimans and Ho, arXiv 2202.00512; Meng et al., 2210.03142).
"""

from copy import deepcopy

import torch
from torch import Tensor

from .denoiser import Denoiser
from .networks import noise_level

STEPS = 4
"""With the host's scheduler *simple*."""

TEACHER_STEPS = 3
"""For one of the pupil's."""

GUIDANCE = 3.0


class FewSteps:
    """The lesson of a flow model that starts as its own teacher; its text encoder stays."""

    def __init__(self, pupil: Denoiser) -> None:
        self.teacher = deepcopy(pupil).eval().requires_grad_(False)
        self.pupil = pupil
        pupil.text.requires_grad_(False)
        self.levels = noise_level(torch.linspace(1, 0, STEPS * TEACHER_STEPS + 1))

    def losses(self, latents: Tensor, steps: Tensor, noise: Tensor, captions: list[str]) -> Tensor:
        """Squared error of the velocity a sample; ``steps`` are 0 … 999, each of a pupil's step."""
        first = (STEPS - 1 - steps * STEPS // 1000) * TEACHER_STEPS
        high, low = self._level(first), self._level(first + TEACHER_STEPS)
        noisy = torch.lerp(latents, noise, high)
        with torch.no_grad():
            there = noisy
            for step in range(TEACHER_STEPS):
                there = self._teacher_step(there, first + step, captions)
        answer = self.pupil.answer(noisy, high.flatten(), captions)
        return (answer - (there - noisy) / (low - high)).square().mean((1, 2, 3))

    def _level(self, step: Tensor) -> Tensor:
        return self.levels[step][:, None, None, None]

    def _teacher_step(self, noisy: Tensor, step: Tensor, captions: list[str]) -> Tensor:
        high, low = self._level(step), self._level(step + 1)
        level = high.flatten().repeat(2)
        both = self.teacher.answer(noisy.repeat(2, 1, 1, 1), level, [*captions, *[""] * len(noisy)])
        with_text, without = both.chunk(2)
        return noisy + (low - high) * torch.lerp(without, with_text, GUIDANCE)
