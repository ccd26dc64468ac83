"""Memory plans for models of true size on cards that are not there."""

import re
from pathlib import Path
from typing import Any

import comfy.model_management
import pytest
import torch
from cards import SIZES, loads, placement, shapes, without_weights
from comfy.model_patcher import ModelPatcher

PAGES = Path(__file__).resolve().parents[2] / "web" / "docs"


@pytest.fixture(scope="module", params=["SD 1.5", "SDXL", "Flux"])
def load(request: pytest.FixtureRequest, extension: Any) -> Any:
    return next(load for load in loads(extension) if load.name == request.param)


class DynamicPatcher(ModelPatcher):
    """As newer hosts' own: weights leave the device on demand, and its estimates have a margin."""

    def is_dynamic(self) -> bool:
        return True

    def get_free_memory(self, device: torch.device) -> float:
        free: Any = comfy.model_management.get_free_memory(device)
        return free + self.loaded_size()

    def memory_required(self, input_shape: Any) -> float:
        return super().memory_required(input_shape) * 1.3 + 2**30


def test_four_prompts_a_call_wherever_four_pictures_can_be_sampled(
    extension: Any, load: Any
) -> None:
    model = without_weights(load)
    placed = [placement(extension, load, model, size) for size in SIZES]
    assert all(each.prompts >= 4 for each in placed if each.samples_four)
    assert all(each.samples_four for each in placed[1:])
    assert all(each.weights >= 0 for each in placed)
    if load.name != "Flux":
        assert all(each.moments == 1 for each in placed), "also on 8 GB"
        assert all(each.weights == 1 for each in placed[2:])


def test_plans_do_not_depend_on_the_patcher_or_on_what_is_loaded(extension: Any, load: Any) -> None:
    plain, dynamic = (without_weights(load, kind) for kind in (ModelPatcher, DynamicPatcher))
    for size in SIZES:
        placed = placement(extension, load, plain, size)
        assert placement(extension, load, plain, size, loaded=0.3) == placed
        assert placement(extension, load, dynamic, size) == placed
        assert placement(extension, load, dynamic, size, loaded=0.3) == placed


def test_the_help_tells_the_memory_of_the_closed_form(extension: Any, load: Any) -> None:
    model = without_weights(load)
    layers = shapes(extension, model).values()
    taken = sum(4 * (c_out + c_in) * c_in for c_out, c_in in layers)
    pages = [PAGES / "FIAClosedFormLora.md", *PAGES.glob("FIAClosedFormLora/*.md")]
    assert len(pages) == 5
    for page in pages:
        assert re.search(rf"\b{taken / 1e9:.0f} GB", page.read_text(encoding="utf-8"))
