"""Pages of VRAM that newer hosts pin while a layer computes: profiling leaves none pinned.

The allocator of such pages has no CPU form; its functions are counted, and a buffer of ordinary
memory stands in for the pages.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
import torch
from comfy import model_management
from graphs import QUICK, GraphError, draw, profiled
from test_faults import ACTS
from tiny_model import TinyModel, tiny_sd

aimdo = pytest.importorskip(
    "comfy_aimdo.model_vbar", reason="this host pins no pages of VRAM", exc_type=ImportError
)


class Elsewhere(torch.nn.Parameter):
    """A weight that is not on the device of the layer's input."""

    @property
    def device(self) -> torch.device:  # pyright: ignore[reportIncompatibleVariableOverride]
        return torch.device("meta")


@dataclass(frozen=True, eq=False)
class Pages:
    """What the host allocates for a layer."""

    buffer: torch.Tensor
    signature: object = field(default_factory=object)


@pytest.fixture
def pinned(small_gpu: None, monkeypatch: pytest.MonkeyPatch) -> Counter[Pages]:
    """How often pages are pinned now; at 0 they are free to go."""
    pinned_memory = import_module("comfy.pinned_memory")
    tensors = import_module("comfy_aimdo.torch")
    count: Counter[Pages] = Counter()

    def fault(pages: Pages) -> object:
        count[pages] += 1
        return pages.signature

    def unpin(pages: Pages) -> None:
        count[pages] -= 1

    monkeypatch.setattr(aimdo, "vbar_fault", fault)
    monkeypatch.setattr(aimdo, "vbar_unpin", unpin)
    monkeypatch.setattr(aimdo, "vbar_signature_compare", lambda one, other: one is other)
    monkeypatch.setattr(tensors, "aimdo_to_tensor", lambda pages, device: pages.buffer)
    monkeypatch.setattr(pinned_memory, "get_pin", lambda *arguments, **options: None)
    monkeypatch.setattr(pinned_memory, "pin_memory", lambda *arguments, **options: None)
    return count


@pytest.fixture
def model(extension: Any, pinned: Counter[Pages]) -> Iterator[TinyModel]:
    """One whose FFN2 layers have pages of VRAM."""
    size_of = import_module("comfy.memory_management").vram_aligned_size
    made = tiny_sd()
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(made.model)
    for layer in layers.values():
        size = size_of([layer.weight, layer.bias])
        layer._v, layer._v_signature = Pages(torch.empty(size, dtype=torch.uint8)), None
        layer.weight = Elsewhere(layer.weight.data, requires_grad=False)
    yield made
    model_management.unload_all_models()


def profile(host: Any, model: TinyModel) -> None:
    profiled(host, model.model, model.clip, batch_size=1, **QUICK)


def test_a_picture_pins_pages_and_lets_them_go(
    host: Any, model: TinyModel, pinned: Counter[Pages]
) -> None:
    draw(host, model)
    assert pinned and not pinned.total()


def test_a_profile_lets_all_pages_go(host: Any, model: TinyModel, pinned: Counter[Pages]) -> None:
    profile(host, model)
    assert pinned and not any(pinned.values())


@pytest.mark.parametrize("fault", ACTS)
def test_a_profile_that_ends_early_lets_all_pages_go(
    host: Any,
    extension: Any,
    model: TinyModel,
    pinned: Counter[Pages],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    statistics = extension.module("nodes.host.profiling.step_statistics").StepStatistics
    act, word = ACTS[fault]
    add, calls = statistics.add, 0

    def broken(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            act()
        add(*arguments)

    monkeypatch.setattr(statistics, "add", broken)
    with pytest.raises(GraphError, match=word):
        profile(host, model)
    assert pinned and not any(pinned.values())
