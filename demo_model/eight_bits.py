"""Weights in 8 bits, as a file keeps them: whole numbers from −127 to 127 and a scale a row."""

import torch
from torch import Tensor

SCALE = ".scale"
"""What is added to a weight's name for the scales of its rows, float16 (rows,)."""


def packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and kernels as int8 with their scales; vectors as float16."""
    made: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim < 2:
            made[name] = weight.half()
            continue
        rows = weight.float().flatten(1)
        scales = (rows.abs().amax(1) / 127).half().clamp_min(torch.finfo(torch.half).tiny)
        numbers = (rows / scales.float()[:, None]).round().clamp(-127, 127)
        made |= {name: numbers.to(torch.int8).view_as(weight), name + SCALE: scales}
    return made


def unpacked(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights that `packed` was given as float16, each within 0.55 of a scale (float16 rounds,
    too); others as they are."""
    made = {name: weight for name, weight in weights.items() if not name.endswith(SCALE)}
    for name, scales in weights.items():
        if name.endswith(SCALE):
            numbers = made[name.removesuffix(SCALE)]
            rows = numbers.flatten(1).half() * scales[:, None]
            made[name.removesuffix(SCALE)] = rows.view_as(numbers)
    return made
