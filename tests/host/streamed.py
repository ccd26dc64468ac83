"""A model whose weights the host streams to the device ("dynamic VRAM"), brought about on a CPU.

Newer hosts do so on NVIDIA cards only. All is the host's own code except its allocator, which here
takes the CPU's memory and counts pins, and for weights, which say that they are elsewhere.
"""

from typing import Any

import comfy.model_management
import comfy.model_patcher
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import CallbacksMP
from comfy.quant_ops import QuantizedTensor

CARD = torch.device("cpu", 0)  # unlike torch.device("cpu"), which hosts never stream to


class Elsewhere(torch.nn.Parameter):
    """A weight that is not where the computing is done."""

    device: Any = CARD


class QuantisedElsewhere(QuantizedTensor):
    """Likewise for one of the host's quantised tensors."""

    device: Any = CARD


class CardMemory:
    """The host's allocator of pages on the card, one page a layer.

    Attributes:
        pinned: how often each page was made resident and not released since.
    """

    def __init__(self, size: int = 0, device: int | None = None) -> None:
        self.pages: dict[int, torch.Tensor] = {}
        self.pinned: dict[int, int] = {}

    def prioritize(self) -> None:
        """All pages are there at all times."""

    def alloc(self, size: int) -> tuple["CardMemory", int, int]:
        number = len(self.pages)
        self.pages[number] = torch.zeros(size, dtype=torch.uint8)
        self.pinned[number] = 0
        return self, number, size

    def fault(self, number: int, size: int) -> bytes:
        self.pinned[number] += 1
        return b"resident"

    def unpin(self, number: int, size: int) -> None:
        self.pinned[number] -= 1

    def loaded_size(self) -> int:
        return sum(map(len, self.pages.values()))

    def free_memory(self, size: int) -> int:
        return 0


class HostBuffer:
    """The host's pinned memory, which no test uses."""

    def __init__(self, *sizes: int) -> None:
        self.size = 0


def streamed(model: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> ModelPatcher:
    """``model`` with the host's streaming patcher around it; needs the fixture ``small_gpu``.

    Skips the test on a host without one.
    """
    dynamic: Any = getattr(comfy.model_patcher, "ModelPatcherDynamic", None)
    if dynamic is None:
        pytest.skip("this host streams no weights")
    monkeypatch.setattr("comfy_aimdo.model_vbar.ModelVBAR", CardMemory)
    monkeypatch.setattr("comfy_aimdo.host_buffer.HostBuffer", HostBuffer)
    monkeypatch.setattr(
        "comfy_aimdo.torch.aimdo_to_tensor", lambda page, device: page[0].pages[page[1]]
    )
    monkeypatch.setattr(comfy.model_management.args, "disable_pinned_memory", True)
    patcher = dynamic(model.model, CARD, torch.device("cpu"))
    patcher.add_callback(CallbacksMP.ON_LOAD, _away)
    return patcher


def _away(patcher: ModelPatcher, *_: Any) -> None:
    """Let the weights that are streamed say so; the host has copied the small ones to the card."""
    for layer in patcher.model.modules():
        if hasattr(layer, "_v"):
            quantised = isinstance(layer.weight, QuantizedTensor)
            layer.weight.__class__ = QuantisedElsewhere if quantised else Elsewhere


def pins(model: ModelPatcher) -> int:
    """Pages of a streamed model's that stay on the card for good."""
    memory: Any = model
    return sum(memory.model.dynamic_vbars[CARD].pinned.values())
