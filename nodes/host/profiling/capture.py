"""Watch FFN2 layers at work: their inputs, their outputs, and the size of the weights in effect."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from ..model.weight_in_effect import input_in_effect, passed_through, unfused, unrecorded

CONDITIONAL = 0  # the host's mark in cond_or_uncond

Receiver = Callable[[str, range, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Called with (layer, prompts, |weight| (C_out, C_in), x (prompts, ..., C_in), y = x Wᵀ)."""


class Ffn2Capture:
    """Hands the conditional rows of every FFN2 layer's forward to a receiver.

    Only while ``attached`` is the model hooked, and only inside ``prompts`` is anything captured.
    """

    def __init__(self, layers: dict[str, torch.nn.Linear], receive: Receiver) -> None:
        self._layers = layers
        self._receive = receive
        self._parameters = {name: _ParametersInEffect() for name in layers}
        self._prompts = range(0)
        self._parts: list[int] = []

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hook the layers; clones share modules, so whatever happens the hooks are removed."""
        with ExitStack() as hooks:
            for name, layer in self._layers.items():
                hooks.callback(layer.register_forward_hook(self._hook(name)).remove)
            yield

    @contextmanager
    def prompts(self, rows: range) -> Iterator[None]:
        """Capture the prompts ``rows`` in the forwards made inside, when the model is loaded."""
        self._prompts = rows
        try:
            with ExitStack() as watched:
                watched.enter_context(unfused())
                for name, layer in self._layers.items():
                    watched.enter_context(self._parameters[name].kept(layer))
                yield
        finally:
            self._prompts = range(0)

    def forward(self, cond_or_uncond: list[int]) -> None:
        """Announce a forward whose batch is equal parts, conditional where the part is 0."""
        self._parts = list(cond_or_uncond)

    def _hook(self, name: str) -> Callable[[Any, tuple[torch.Tensor, ...], torch.Tensor], None]:
        def hook(layer: Any, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            weight_size, bias = self._parameters[name].taken()
            if not self._prompts or CONDITIONAL not in self._parts:
                return
            x = self._conditional(args[0])
            if len(x) != len(self._prompts):
                raise ValueError(
                    f"model: {name} ran for {len(x)} prompts where the host gave the denoiser "
                    f"{len(self._prompts)}. Connect the model without nodes that split the "
                    "denoiser's work (such as tiled diffusion)."
                )
            if weight_size is None:
                raise ValueError(
                    "model: its layers compute with weights that the host does not hand over, as "
                    "with --fast cublas_ops. Start ComfyUI without it while profiling."
                )
            if hasattr(layer, "convert_weight"):  # old scaled fp8: the scale is not in it yet
                weight_size = layer.convert_weight(weight_size)
            x = input_in_effect(layer, x)
            y = self._conditional(output)
            y = y if bias is None else y - bias.float()
            with unrecorded():
                self._receive(name, self._prompts, weight_size, x, y)

        return hook

    def _conditional(self, batch: torch.Tensor) -> torch.Tensor:
        """The conditional part of a forward's batch, (prompts, ..., channels)."""
        return batch.chunk(len(self._parts))[self._parts.index(CONDITIONAL)]


class _ParametersInEffect:
    """The parameters that a layer's forward computes with: cast, dequantised, with every patch.

    The host passes them through functions on the layer, so nothing is cast a second time.
    """

    def __init__(self) -> None:
        self._weight_size: torch.Tensor | None = None
        self._bias: torch.Tensor | None = None

    @contextmanager
    def kept(self, layer: Any) -> Iterator[None]:
        """Keep what the forwards inside compute with."""
        functions = {"weight_function": self._keep_weight_size, "bias_function": self._keep_bias}
        with passed_through(layer, **functions):
            yield

    def taken(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """|W| (C_out, C_in) and the bias (C_out), of the forward that just ended.

        They are kept no longer: those of all layers would take as much as the model.
        """
        weight_size, bias = self._weight_size, self._bias
        self._weight_size = self._bias = None
        return weight_size, bias

    def _keep_weight_size(self, weight: torch.Tensor) -> torch.Tensor:
        is_fp8 = weight.dtype.is_floating_point and weight.dtype.itemsize == 1
        size = (weight.float() if is_fp8 else weight).abs()  # CUDA has no abs() of fp8
        self._weight_size = _for_this_stream(size)  # a copy: the host reuses its own memory
        return weight

    def _keep_bias(self, bias: torch.Tensor) -> torch.Tensor:
        self._bias = _for_this_stream(bias.clone())
        return bias


def _for_this_stream(tensor: torch.Tensor) -> torch.Tensor:
    """``tensor``, whose memory is not given away while the device's own stream still reads it.

    The host may call its functions on a stream for transfers.
    """
    if tensor.is_cuda:
        tensor.record_stream(torch.cuda.default_stream(tensor.device))
    return tensor
