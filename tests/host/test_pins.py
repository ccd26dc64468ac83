"""What profiling leaves pinned: as much memory as plain sampling, whatever happened meanwhile.

The device is a CPU's; the functions by which the host pins are counted.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import torch
from comfy import model_management
from comfy.model_management import load_models_gpu
from graphs import QUICK, GraphError, profile_graph
from test_faults import ACTS, break_forward
from tiny_model import TinyModel, tiny_sd


class Pins:
    """Tensors that the host has pinned in memory."""

    def __init__(self) -> None:
        self.tensors: set[int] = set()

    def pin(self, tensor: torch.Tensor) -> bool:
        self.tensors.add(tensor.data_ptr())
        return True

    def unpin(self, tensor: torch.Tensor) -> bool:
        self.tensors.remove(tensor.data_ptr())
        return True

    def of_denoiser(self, model: TinyModel) -> set[str]:
        """Names of the denoiser's weights that are pinned."""
        weights = model.model.model.named_parameters()
        return {name for name, weight in weights if weight.data_ptr() in self.tensors}


@pytest.fixture
def pins(small_gpu: None, monkeypatch: pytest.MonkeyPatch) -> Pins:
    """Counted, on a host that streams every weight."""
    counted = Pins()
    monkeypatch.setattr(model_management, "pin_memory", counted.pin)
    monkeypatch.setattr(model_management, "unpin_memory", counted.unpin)
    return counted


@pytest.fixture
def fresh(extension: Any, pins: Pins) -> Iterator[TinyModel]:
    """A model that nobody has loaded; nothing of it stays pinned once the host unloads it."""
    model = tiny_sd()
    yield model
    load(model)
    model_management.unload_all_models()
    assert not pins.of_denoiser(model)


def profile(host: Any, model: TinyModel, **inputs: Any) -> Any:
    """A concept's profile, quick; afterwards all that it held is gone."""
    host.forget()
    dead = dead_models()  # of other tests
    given = {**QUICK, "batch_size": 1, **inputs}
    try:
        return host.run(profile_graph(host, model.model, model.clip, **given), "profile")[0]
    finally:
        host.executor.reset()
        gc.collect()
        assert dead_models() <= dead, "the host cannot unload it"


def dead_models() -> set[int]:
    """Loaded models that the host can no longer reach."""
    return {id(each) for each in model_management.current_loaded_models if each.is_dead()}


def load(model: TinyModel) -> None:
    """As for a picture."""
    load_models_gpu([model.model])


def test_what_was_pinned_stays_pinned(host: Any, fresh: TinyModel, pins: Pins) -> None:
    load(fresh)
    before = pins.of_denoiser(fresh)
    assert len(before) > 100
    profile(host, fresh)
    assert pins.of_denoiser(fresh) == before


def test_profiling_pins_what_a_picture_pins(host: Any, fresh: TinyModel, pins: Pins) -> None:
    profile(host, fresh)
    profiled = pins.of_denoiser(fresh)
    load(fresh)
    assert pins.of_denoiser(fresh) == profiled


def test_pins_after_a_fault_in_any_part_of_the_denoiser(
    host: Any, fresh: TinyModel, pins: Pins
) -> None:
    """Every 16th module without parts of its own, each with the next fault."""
    load(fresh)
    before = pins.of_denoiser(fresh)
    parts = [part for part in fresh.model.model.diffusion_model.modules() if not [*part.children()]]
    failed: Counter[str] = Counter()
    for part, fault in zip(parts[::16], cycle(ACTS), strict=False):
        with pytest.MonkeyPatch.context() as patch:
            break_forward(patch, part, fault)
            try:
                profile(host, fresh)
            except GraphError:
                failed[fault] += 1
        assert pins.of_denoiser(fresh) == before, (part, fault)
    assert all(failed[fault] for fault in ACTS)
