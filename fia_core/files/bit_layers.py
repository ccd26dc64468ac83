"""A mask's layers in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from ..identity import LayerShapes
from .bits import pack_bits, unpack_bits


@dataclass(frozen=True, eq=False)
class BitLayers(Mapping[str, Tensor]):
    """Bool tensors (C_out, C_in) on the CPU by layer, kept at one bit an entry.

    SDXL's 410 million FFN2 weights take 51 MB. Each access unpacks its tensor again, so to change
    one changes nothing here.

    Attributes:
        shapes: (C_out, C_in) by layer.
        packed: uint8 (⌈C_out · C_in / 8⌉,) on the CPU by layer (``bits.py``).
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
