"""Samplers that add noise at every step add the same to every strength of a strip."""

from collections.abc import Callable
from copy import copy
from inspect import signature
from typing import Any

import torch
from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler, default_noise_sampler

Noise = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def same_noise_for_every_strength(
    sampler: Any, rows: torch.Tensor, strengths: int, sigmas: torch.Tensor, seed: int | None
) -> Any:
    """A copy of ``sampler`` that adds what it would add to the rows of a single strength to all.

    Args:
        sampler: of the host; given back where it adds no noise, or its noise is settled.
        rows: (n, channels, height, width), on the device where sampling takes place.
        strengths: how often the rows are there.
        sigmas: the schedule.
        seed: of the run.
    """
    function = getattr(sampler, "sampler_function", None)
    if (
        function is None
        or "noise_sampler" not in signature(function).parameters
        or "noise_sampler" in sampler.extra_options
    ):
        return sampler
    own = _own_noise(function, rows, sigmas, seed)
    same = copy(sampler)
    same.extra_options = {
        **sampler.extra_options,
        "noise_sampler": lambda now, later: torch.cat([own(now, later)] * strengths),
    }
    return same


def _own_noise(
    function: Callable[..., Any], rows: torch.Tensor, sigmas: torch.Tensor, seed: int | None
) -> Noise:
    """The noise that the host's sampler makes for itself where it is given none."""
    name = getattr(function, "__name__", "")
    if not (name.startswith("sample_dpmpp") and "sde" in name):
        return default_noise_sampler(rows, seed=seed)
    lowest, highest = sigmas[sigmas > 0].min(), sigmas.max()
    return BrownianTreeNoiseSampler(rows, lowest, highest, seed=seed, cpu=not name.endswith("_gpu"))
