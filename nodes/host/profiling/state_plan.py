"""Where the running state of profiling lives, for how many concepts, and prompts a denoiser call.

Moments off the device cost most, then few prompts a call, then streamed weights, then sums off the
device. So moments and a call of ``SMALL_CHUNK`` prompts get room that weights would take; sums and
larger calls get what is left beside all weights.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from comfy.model_patcher import ModelPatcher

from ....fia_core import LayerShapes
from ..denoising.denoise import empty_latent
from ..denoising.memory import (
    SMALL_CHUNK,
    arriving_weights,
    call_memory,
    fixed_weights,
    free_ram,
    least_call_memory,
    make_room,
    names_that_fit,
    require_ram,
    room,
    total_memory,
    whole_weights,
)
from ..denoising.request import SamplingSettings

MOMENT_BYTES = 8
"""Bytes a weight, float32: mean and squares of the base prompts, then μ_b + σ_b and a concept's
sum."""

SCRATCH_BYTES = 384 * 2**20
"""Bytes of Y and |P| of the few prompts of one layer that are stacked at a time, float32."""

SUM_BYTES = 5
"""Bytes a weight and concept: Eq. 3's sum (float32) and count (a byte; two beyond 255 steps)."""

PROFILE_BYTES = 1
"""Bytes a weight and concept: the finished profile (at most 0.925, ``fia_core/profile.py``)."""

LARGEST_ROUND = 10  # concepts; a finished round is in the cache whatever comes next
SHARE_OF_RAM = 0.5  # of what is free
LARGEST_CHUNK = 16  # more prompts a denoiser call bring no further speed


@dataclass(frozen=True)
class StatePlan:
    """Where the state lives, how many concepts a round has, and how many prompts a chunk.

    Attributes:
        moments: the device of each layer's running moments, which every prompt changes.
        sums: the device of Eq. 3's sums of all layers, which change once a step and concept.
        concepts: number of concepts in a round, at least 1.
        chunk: prompts a denoiser call, at least 1.
    """

    moments: Mapping[str, torch.device]
    sums: torch.device
    concepts: int
    chunk: int


def plan_state(
    model: ModelPatcher,
    shapes: LayerShapes,
    concepts: int,
    sampling: SamplingSettings,
    chunk: int = 0,
    saliency_form: str = "exact",
) -> StatePlan:
    """Plan for a model as the host will load it, and make room for the state on its device.

    Args:
        model: its weights leave the device as far as the state needs room.
        shapes: (C_out, C_in) of the FFN2 layers.
        concepts: to be profiled in all.
        sampling: its picture size decides what a denoiser call takes.
        chunk: prompts a call; 0 chooses.
        saliency_form: "exact" or "released".

    Raises:
        ValueError: RAM has no room for what the device leaves of one concept.
    """
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    latent = empty_latent(model, sampling.width, sampling.height).shape
    moment_bytes = {
        name: MOMENT_BYTES * math.prod(moment_shape(shape, saliency_form))
        for name, shape in shapes.items()
    }
    weights = sum(map(math.prod, shapes.values()))
    sum_bytes = SUM_BYTES * weights
    round_size = min(concepts, LARGEST_ROUND)
    whole = sum(moment_bytes.values()) + SCRATCH_BYTES + sum_bytes * round_size

    wanted = whole + whole_weights(model) + call_memory(model, latent, chunk or SMALL_CHUNK)
    if wanted > total_memory(model):  # then the sums do not fit, whoever leaves
        wanted -= sum_bytes * round_size
    space = room(model, wanted)
    streaming, resident = space - fixed_weights(model), space - whole_weights(model)
    small = chunk or _largest(
        SMALL_CHUNK,
        lambda prompts: least_call_memory(model, latent, prompts) + SCRATCH_BYTES <= streaming,
    )
    least_call = least_call_memory(model, latent, small)
    on_device = names_that_fit(moment_bytes, streaming - least_call - SCRATCH_BYTES)
    moments = {name: device if name in on_device else cpu for name in shapes}
    fits = whole + call_memory(model, latent, small) <= resident
    held = whole if fits else sum(moment_bytes[name] for name in on_device) + SCRATCH_BYTES
    make_room(model, held + least_call)
    if not fits:
        ram = free_ram() + arriving_weights(model, space - held - least_call)
        spilled = sum(moment_bytes[name] for name, place in moments.items() if place == cpu)
        require_ram(spilled + sum_bytes + PROFILE_BYTES * weights, ram)
        in_ram = int(SHARE_OF_RAM * ram - spilled) // sum_bytes
        round_size = max(1, min(in_ram, round_size))
    large = _largest(
        LARGEST_CHUNK, lambda prompts: held + call_memory(model, latent, prompts) <= resident
    )
    return StatePlan(
        moments=moments,
        sums=device if fits else cpu,
        concepts=round_size,
        chunk=chunk or max(small, large),
    )


def moment_shape(shape: tuple[int, int], saliency_form: str) -> tuple[int, int]:
    """Shape of the moments of a layer of ``shape`` (C_out, C_in): (C_in, C_out), or (C_in, 1) in
    the released form."""
    c_out, c_in = shape
    return c_in, c_out if saliency_form == "exact" else 1


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """``most``, a power of two, halved until it fits or is 1."""
    while most > 1 and not fits(most):
        most //= 2
    return most
