"""The weight that a layer computes with, wherever the host keeps it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from comfy.ops import cast_bias_weight, uncast_bias_weight


@contextmanager
def weight_in_effect(layer: torch.nn.Module, x: torch.Tensor) -> Iterator[torch.Tensor]:
    """The weight of ``layer`` (C_out, C_in) in the dtype and on the device of its input ``x``.

    Patches of weights that are off the device are applied, and quantised ones are unpacked. The
    tensor may be the layer's own or a buffer that the host fills again after the block: do not
    change or keep it.
    """
    weight, bias, *stream = cast_bias_weight(layer, x, offloadable=True)
    try:
        # Some layers compute with another weight than the one that they store.
        convert = getattr(layer, "convert_weight", None)
        yield weight if convert is None else convert(weight).to(x.dtype)
    finally:
        uncast_bias_weight(layer, weight, bias, *stream)
