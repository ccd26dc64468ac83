"""What a layer computes with: its input and its weight, wherever the host keeps that."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from comfy import model_management
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


def input_in_effect(layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """``x`` (..., C_in), an input of ``layer``, as the layer multiplies it by its weight: some
    quantised layers scale it first."""
    scale = getattr(layer, "pre_quant_scale", None)
    return x if scale is None else x * scale.to(x)


@contextmanager
def passed_through(
    layer: Any, **functions: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Let the host pass a layer's parameters through functions in the forwards inside.

    The layer is left as it was.

    Args:
        functions: of the host's lists ``weight_function`` and ``bias_function``, one each.
    """
    own = {name: vars(layer)[name] for name in functions if name in vars(layer)}
    try:
        for name, function in functions.items():
            setattr(layer, name, [*getattr(layer, name), function])
        yield
    finally:
        for name in functions:
            vars(layer).pop(name, None)
        vars(layer).update(own)


def as_it_is(weight: torch.Tensor) -> torch.Tensor:
    """A function to pass a weight through: the host then computes with the unpacked weight, and
    leaves the input as it is where it would round it."""
    return weight


@contextmanager
def unfused() -> Iterator[None]:
    """Let the host call every layer in the forwards inside.

    Newer hosts run some layers together with an activation or with each other, and then call none
    of them, but not while they train.
    """
    host: Any = model_management
    before = getattr(host, "in_training", False)  # older hosts fuse nothing
    host.in_training = True
    try:
        yield
    finally:
        host.in_training = before


def unrecorded() -> AbstractContextManager[Any]:
    """For what a hook allocates and keeps: newer hosts record the allocations of a denoiser's
    blocks and replay them, which would give that memory away."""
    host = sys.modules.get("comfy.model_prefetch")
    return getattr(host, "pause_malloc_graph", nullcontext)()
