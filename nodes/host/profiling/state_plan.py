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
from .memory import (
    call_memory,
    fixed_weights,
    free_ram,
    least_call_memory,
    make_room,
    room,
    total_memory,
    whole_weights,
)
from .sampling import SamplingSettings, empty_latent

MOMENT_BYTES = 8
"""A weight: mean and squares of the base prompts, then μ_b + σ_b and a concept's sum; float32."""

SCRATCH_BYTES = 384 * 2**20
"""Y and |P| of the few prompts of one layer that are stacked at a time, float32."""

SUM_BYTES = 5
"""A weight and concept: Eq. 3's sum (float32) and count (a byte; two beyond 255 steps)."""

LARGEST_ROUND = 10  # concepts; a finished round is in the cache whatever comes next
SHARE_OF_RAM = 0.5  # of what is free
SMALL_CHUNK = 4  # prompts; a call of that many is worth the transfer of streamed weights
LARGEST_CHUNK = 16  # more prompts a denoiser call bring no further speed


@dataclass(frozen=True)
class StatePlan:
    """Devices of the state, concepts that share the base prompts of a round, size of a call.

    Attributes:
        moments: by layer; used at every prompt.
        sums: of all layers; used once a step and concept.
        concepts: in a round, at least 1.
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
) -> StatePlan:
    """Plan for a model as the host will load it, and make room for the state on its device.

    Args:
        model: its weights leave the device as far as the state needs room.
        shapes: (C_out, C_in) of the FFN2 layers.
        concepts: to be profiled in all.
        sampling: its picture size decides what a denoiser call takes.
        chunk: prompts a call; 0 chooses.
    """
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    latent = empty_latent(model, sampling.width, sampling.height).shape
    moment_bytes = {name: MOMENT_BYTES * math.prod(shape) for name, shape in shapes.items()}
    sum_bytes = SUM_BYTES * sum(map(math.prod, shapes.values()))
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
    on_device = _first_that_fit(moment_bytes, streaming - least_call - SCRATCH_BYTES)
    held = sum(moment_bytes[name] for name in on_device) + SCRATCH_BYTES
    fits = whole + call_memory(model, latent, small) <= resident
    if fits:
        held = whole
    else:
        spilled = sum(moment_bytes.values()) + SCRATCH_BYTES - held
        in_ram = int(SHARE_OF_RAM * free_ram() - spilled) // sum_bytes
        round_size = max(1, min(in_ram, round_size))
    make_room(model, held + least_call)
    large = _largest(
        LARGEST_CHUNK, lambda prompts: held + call_memory(model, latent, prompts) <= resident
    )
    return StatePlan(
        moments={name: device if name in on_device else cpu for name in shapes},
        sums=device if fits else cpu,
        concepts=round_size,
        chunk=chunk or max(small, large),
    )


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """``most``, a power of two, halved until it fits or is 1."""
    while most > 1 and not fits(most):
        most //= 2
    return most


def _first_that_fit(sizes: Mapping[str, int], space: float) -> set[str]:
    """Names of what fits into ``space`` bytes together, in order; smaller ones may follow."""
    names = set()
    for name, size in sizes.items():
        if size <= space:
            names.add(name)
            space -= size
    return names
