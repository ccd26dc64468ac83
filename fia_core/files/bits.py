"""Bool tensors at one bit an entry: row-major, the first entry in the lowest bit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from .layer_records import LayerShapes


def count_bits(mask: Tensor) -> int:
    """How many entries of ``mask``, bool on the CPU, are set; several times as fast as torch's."""
    return int(np.count_nonzero(mask.numpy()))


def count_packed(packed: Tensor) -> int:
    """How many bits of ``packed``, uint8 on the CPU, are set."""
    return int(np.count_nonzero(np.unpackbits(packed.numpy())))


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
    """The bool tensor of ``shape`` that ``pack_bits`` packed, on the device of ``packed``.

    Raises:
        ValueError: ``packed`` is not uint8 (⌈n / 8⌉,), or a spare bit is set.
    """
    count = prod(shape)
    size = -(-count // 8)
    if packed.dtype != torch.uint8 or tuple(packed.shape) != (size,):
        raise ValueError(
            f"packed: is {packed.dtype} of shape {tuple(packed.shape)}; "
            f"give uint8 of shape {(size,)} for {tuple(shape)}."
        )
    if packed.device.type == "cpu":
        bits = torch.from_numpy(np.unpackbits(packed.numpy(), bitorder="little"))
    else:
        places = torch.arange(8, dtype=torch.uint8, device=packed.device)
        bits = (packed[:, None] >> places).bitwise_and_(1).flatten()
    if count % 8 and bits[count:].any():
        raise ValueError(f"packed: has a bit set beyond its {count} entries.")
    return bits[:count].view(torch.bool).reshape(tuple(shape))


@dataclass(frozen=True, eq=False)
class BitLayers(Mapping[str, Tensor]):
    """Bool tensors (C_out, C_in) on the CPU by layer, kept at one bit an entry.

    SDXL's 410 million FFN2 weights take 51 MB. Each access unpacks its tensor again, so to change
    one changes nothing here.

    Attributes:
        shapes: (C_out, C_in) by layer.
        packed: uint8 (⌈C_out · C_in / 8⌉,) on the CPU by layer.
    """

    shapes: LayerShapes
    packed: dict[str, Tensor]

    @classmethod
    def pack(cls, layers: Mapping[str, Tensor]) -> "BitLayers":
        """Keep ``layers``, bool (C_out, C_in) on any device."""
        shapes = {name: (mask.shape[0], mask.shape[1]) for name, mask in layers.items()}
        return cls(shapes, {name: pack_bits(mask) for name, mask in layers.items()})

    def __getitem__(self, name: str) -> Tensor:
        return unpack_bits(self.packed[name], self.shapes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)
