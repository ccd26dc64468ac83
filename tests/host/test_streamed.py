"""Models whose weights the host streams to the card: profiled and masked like any other."""

from itertools import count
from typing import Any

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comparison import assert_same
from graphs import QUICK, GraphError, draw, profiled
from masks_and_loras import drawn_mask, with_lora
from streamed import pins, streamed
from test_faults import ACTS
from tiny_model import TinyModel, tiny_denoiser
from tiny_quantised import FORMS, LEFT, MOVED, quantised_unet, weights_in_effect

STREAMED_WIDTH = 96  # the host copies what takes 16 KiB or less to the card at once

pytestmark = pytest.mark.usefixtures("small_gpu")


def apply(extension: Any, model: ModelPatcher, mask: Any) -> ModelPatcher:
    return extension.module("nodes.host.applying.weight_patch").apply_neuron_mask(model, mask, 1.0)


def on_the_card(model: ModelPatcher, layer: str) -> torch.Tensor:
    """The weight that the host has put on the card for good, float32."""
    weight: Any = model.model.get_submodule(layer)._v_weight
    return (weight.dequantize() if hasattr(weight, "layout_cls") else weight).float()


def test_the_profile_is_that_of_a_loaded_model(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, on_card = tiny_denoiser(), streamed(tiny_denoiser(), monkeypatch)
    assert_same(*(profiled(host, with_lora(model), tiny.clip) for model in (loaded, on_card)))
    assert pins(on_card) == 0


@pytest.mark.parametrize("fault", ACTS)
def test_a_profile_that_ends_early_lets_all_pages_go(
    host: Any, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    model = streamed(tiny_denoiser(), monkeypatch)
    act, word = ACTS[fault]
    statistics = extension.module("nodes.host.profiling.step_statistics").StepStatistics
    add, calls = statistics.add, count(1)

    def broken(*arguments: Any) -> None:
        if next(calls) == 3:
            act()
        add(*arguments)

    monkeypatch.setattr(statistics, "add", broken)
    with pytest.raises(GraphError, match=word):
        profiled(host, model, tiny.clip, batch_size=1, **QUICK)
    assert not pins(model)


def test_a_mask_holds_on_the_card_and_goes_with_its_wire(
    host: Any, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, on_card = tiny_denoiser(), streamed(tiny_denoiser(), monkeypatch)
    mask = drawn_mask(extension, loaded, share=0.2)
    plain = draw(host, tiny, on_card)
    assert torch.equal(plain, draw(host, tiny, loaded))
    masked = apply(extension, on_card, mask)
    erased = draw(host, tiny, masked)
    assert torch.equal(erased, draw(host, tiny, apply(extension, loaded, mask)))
    for name, pruned in mask.layers.items():
        weight = on_card.model.get_submodule(name).weight
        assert torch.equal(on_the_card(masked, name), weight * ~pruned)
    assert torch.equal(draw(host, tiny, on_card), plain)
    assert pins(on_card) == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_quantised_model_is_masked_on_the_card(
    host: Any, extension: Any, tiny: TinyModel, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = streamed(quantised_unet(FORMS[form], model_channels=STREAMED_WIDTH), monkeypatch)
    before = weights_in_effect(model)
    mask = drawn_mask(extension, model, share=0.2)
    masked = apply(extension, model, mask)
    assert draw(host, tiny, masked).isfinite().all()
    for name, pruned in mask.layers.items():
        size = before[name].square().mean().sqrt()
        now = on_the_card(masked, name)
        assert now[pruned].square().mean().sqrt() <= LEFT.get(form, 0.0) * size
        assert (now - before[name])[~pruned].square().mean().sqrt() <= MOVED[form] * size + 1e-6
    assert pins(model) == 0
