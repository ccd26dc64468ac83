"""Safe Latent Diffusion (arXiv 2211.05105): guidance away from a concept while sampling.

With the noise estimates ε_p for the prompt, ε_S for the safety concept and ε without a prompt, the
guided estimate is ε + s_g (ε_p − ε − γ) (Eq. 3), and at step t

    μ_t = |s_S (ε_p − ε_S)|, at most 1, where ε_p − ε_S < λ; elsewhere 0    (Eq. 6)
    γ_t = μ_t (ε_S − ε) + s_m ν_t                                           (Eq. 4, 7)
    ν_{t+1} = β_m ν_t + (1 − β_m) γ_t, from ν_0 = 0                         (Eq. 8)

In the first δ steps γ is not applied, but momentum gathers. The paper prints max(1, ·) in μ, which
would leave the guidance without a bound; the authors' code takes the minimum, as here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

PAPER_STEPS = 50


@dataclass(frozen=True)
class SafetySettings:
    """How strongly and when the safety concept is avoided.

    Attributes:
        safety_scale: s_S, not negative.
        threshold: λ.
        warm_up: δ as a fraction of the schedule; the paper counts steps of 50.
        momentum_scale: s_m.
        momentum_decay: β_m, from 0 to below 1.
    """

    safety_scale: float
    threshold: float
    warm_up: float
    momentum_scale: float
    momentum_decay: float


PRESETS: Mapping[str, SafetySettings] = MappingProxyType(
    {
        "weak": SafetySettings(200, 0.0, 15 / PAPER_STEPS, 0.0, 0.0),
        "medium": SafetySettings(1000, 0.01, 10 / PAPER_STEPS, 0.3, 0.4),
        "strong": SafetySettings(2000, 0.025, 7 / PAPER_STEPS, 0.5, 0.7),
        "max": SafetySettings(5000, 1.0, 0.0, 0.5, 0.7),
    }
)
"""The paper's four settings."""


def safety_guidance(
    prompt: Tensor, concept: Tensor, plain: Tensor, momentum: Tensor, settings: SafetySettings
) -> Tensor:
    """γ_t, Eq. 4 to 7.

    Args:
        prompt: ε_p, any shape, of unit noise.
        concept: ε_S, the same shape.
        plain: ε, the same shape.
        momentum: ν_t, the same shape.
        settings: s_S, λ and s_m are used.

    Returns:
        γ_t, the same shape.
    """
    towards = prompt - concept
    scale = (settings.safety_scale * towards).abs().clamp(max=1)
    scale = torch.where(towards < settings.threshold, scale, torch.zeros_like(scale))
    return scale * (concept - plain) + settings.momentum_scale * momentum


class SafetyMomentum:
    """ν_t over a run of a sampler, Eq. 8.

    A sampler may call the denoiser more than once a step: only the step's first call counts.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._step = -1
        self._now: Tensor | None = None
        self._next: Tensor | None = None

    def begin(self) -> None:
        """A new run: ν is 0."""
        self._step, self._now, self._next = -1, None, None

    def at(self, step: int, like: Tensor) -> Tensor:
        """ν at this step, of the shape of ``like``."""
        if self._now is None or step != self._step:
            self._now = torch.zeros_like(like) if self._next is None else self._next
            self._step, self._next = step, None
        return self._now

    def gather(self, guidance: Tensor) -> None:
        """Take in γ of the step that ``at`` was asked for last."""
        if self._next is None and self._now is not None:
            self._next = self._decay * self._now + (1 - self._decay) * guidance
