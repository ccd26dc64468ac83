"""Watch FFN2 layers at work: what goes in, what comes out, and the weight in effect."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from comfy.ops import cast_bias_weight

CONDITIONAL = 0  # the host's mark in cond_or_uncond

Receiver = Callable[[str, range, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Called with (layer, prompts, weight (C_out, C_in), x (prompts, ..., C_in), y = x Wᵀ)."""


class Ffn2Capture:
    """Hands the conditional rows of every FFN2 layer's forward to a receiver.

    Only while ``attached`` is the model hooked, and only inside ``prompts`` is anything captured.
    """

    def __init__(self, layers: dict[str, torch.nn.Linear], receive: Receiver) -> None:
        self._layers = layers
        self._receive = receive
        self._prompts = range(0)
        self._parts: list[int] = []

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hook the layers; clones share modules, so whatever happens the hooks are removed."""
        handles = []
        try:
            for name, layer in self._layers.items():
                handles.append(layer.register_forward_hook(self._hook(name)))
            yield
        finally:
            for handle in reversed(handles):
                handle.remove()

    @contextmanager
    def prompts(self, rows: range) -> Iterator[None]:
        """Capture the prompts ``rows`` in the forwards made inside."""
        self._prompts = rows
        try:
            yield
        finally:
            self._prompts = range(0)

    def forward(self, cond_or_uncond: list[int]) -> None:
        """Announce a forward whose batch is equal parts, conditional where the part is 0."""
        self._parts = list(cond_or_uncond)

    def _hook(self, name: str) -> Callable[[Any, tuple[torch.Tensor, ...], torch.Tensor], None]:
        def hook(layer: Any, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            if not self._prompts or CONDITIONAL not in self._parts:
                return
            x = self._conditional(args[0])
            y = self._conditional(output)
            if len(x) != len(self._prompts):
                raise ValueError(
                    f"model: {name} ran for {len(x)} prompts where the host gave the denoiser "
                    f"{len(self._prompts)}. Connect the model without nodes that split the "
                    "denoiser's work (such as tiled diffusion)."
                )
            weight, bias, *_ = cast_bias_weight(layer, x)
            if hasattr(layer, "convert_weight"):  # what it computes with, from what it stores
                weight = layer.convert_weight(weight)
            y = y.float() if bias is None else y.float() - bias.float()
            self._receive(name, self._prompts, weight, x, y)

        return hook

    def _conditional(self, batch: torch.Tensor) -> torch.Tensor:
        """The conditional part of a forward's batch, (prompts, ..., channels)."""
        return batch.chunk(len(self._parts))[self._parts.index(CONDITIONAL)]
