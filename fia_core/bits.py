"""Bool tensors at one bit an entry: row-major, the first entry in the lowest bit."""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor


def packed_size(shape: Sequence[int]) -> int:
    """How many bytes the entries of ``shape`` take: ⌈n / 8⌉."""
    return -(-prod(shape) // 8)


def count_bits(mask: Tensor) -> int:
    """How many entries of ``mask``, bool on the CPU, are set; several times as fast as torch's."""
    return int(np.count_nonzero(mask.numpy()))


def pack_bits(mask: Tensor) -> Tensor:
    """``mask``, bool of any shape and device, as uint8 (⌈n / 8⌉,) on the CPU; spare bits are 0."""
    return torch.from_numpy(np.packbits(mask.cpu().numpy(), bitorder="little"))


def set_places(packed: Tensor, shape: Sequence[int]) -> Tensor:
    """Flat places, int64 and ascending, of the entries that are set in ``unpack_bits``' tensor.

    Raises:
        ValueError: as ``unpack_bits``.
    """
    return torch.from_numpy(np.flatnonzero(unpack_bits(packed, shape).numpy()))


def unpack_bits(packed: Tensor, shape: Sequence[int]) -> Tensor:
    """The bool tensor of ``shape``, on the CPU, that ``pack_bits`` packed.

    Raises:
        ValueError: ``packed`` is not uint8 (⌈n / 8⌉,), or a spare bit is set.
    """
    size = packed_size(shape)
    if packed.dtype != torch.uint8 or tuple(packed.shape) != (size,):
        raise ValueError(
            f"packed: is {packed.dtype} of shape {tuple(packed.shape)}; "
            f"give uint8 of shape {(size,)} for {tuple(shape)}."
        )
    count = prod(shape)
    bits = np.unpackbits(packed.cpu().numpy(), bitorder="little")
    if bits[count:].any():
        raise ValueError(f"packed: has a bit set beyond its {count} entries.")
    return torch.from_numpy(bits[:count].view(np.bool_)).reshape(tuple(shape))
