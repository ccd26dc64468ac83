"""Where the running state of profiling lives, and for how many concepts at a time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_management import (
    current_loaded_models,
    free_memory,
    get_free_memory,
    get_total_memory,
)
from comfy.model_patcher import ModelPatcher

from ...fia_core import LayerShapes
from .denoise import SamplingSettings, denoiser_memory

MOMENT_BYTES = 8
"""A weight: base prompts' mean and squares, then μ_b + σ_b and a concept's mean; each float32."""

SUM_BYTES = 5
"""A weight and concept: Eq. 3's sum (float32) and count (a byte; two beyond 255 steps)."""

LARGEST_ROUND = 10  # concepts; a finished round is in the cache whatever comes next
SHARE_OF_RAM = 0.5  # of what is free


@dataclass(frozen=True)
class StatePlan:
    """Devices of the state, and concepts that share the base prompts of a round.

    Attributes:
        moments: by layer; used at every prompt.
        sums: of all layers; used once a step and concept.
        concepts: in a round, at least 1.
    """

    moments: Mapping[str, torch.device]
    sums: torch.device
    concepts: int

    def moment_bytes(self, shapes: LayerShapes, device: torch.device) -> int:
        """What the moments of all layers take on ``device``."""
        return sum(
            MOMENT_BYTES * math.prod(shape)
            for name, shape in shapes.items()
            if self.moments[name] == device
        )


def plan_state(
    model: ModelPatcher, shapes: LayerShapes, concepts: int, sampling: SamplingSettings
) -> StatePlan:
    """All beside the model where that fits; else the sums and the layers that do not fit beside
    the CPU, where nothing but transfers make it slower.

    Other models leave the device for it, as the host lets them leave for any model.

    Args:
        model: as the host will load it.
        shapes: (C_out, C_in) of the FFN2 layers.
        concepts: to be profiled in all.
        sampling: its picture size decides what a denoiser call takes.
    """
    weights = sum(math.prod(shape) for shape in shapes.values())
    round_size = min(concepts, LARGEST_ROUND)
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    whole = (MOMENT_BYTES + SUM_BYTES * round_size) * weights
    total: Any = get_total_memory(model.load_device)
    can_fit = whole + denoiser_memory(model, sampling) <= total - model.model_size()
    free = _free_beside(model, sampling, whole if can_fit else MOMENT_BYTES * weights)
    if whole <= free:
        return StatePlan(dict.fromkeys(shapes, device), device, round_size)

    moments: dict[str, torch.device] = {}
    for name, shape in shapes.items():
        needed = MOMENT_BYTES * math.prod(shape)
        moments[name] = device if needed <= free else cpu
        free -= needed if needed <= free else 0
    free_ram: Any = get_free_memory(cpu)  # a number unless more is asked for
    in_memory = int(SHARE_OF_RAM * free_ram) // (SUM_BYTES * weights)
    return StatePlan(moments, cpu, max(1, min(in_memory, round_size)))


def _free_beside(model: ModelPatcher, sampling: SamplingSettings, wanted: int) -> float:
    """Bytes free on the model's device when it is loaded and denoises one prompt."""
    needed = model.model_size() - model.loaded_size() + denoiser_memory(model, sampling)
    own = [loaded for loaded in current_loaded_models if model.is_clone(loaded.model)]
    free_memory(needed + wanted, model.load_device, keep_loaded=own)
    return get_free_memory(model.load_device) - needed
