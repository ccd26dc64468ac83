"""A masked model among other masks and models, and in other modes of memory."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from comfy import model_management
from comfy_extras.nodes_model_merging import ModelMergeSimple
from compositions import Trio, apply, by_hand, patched_weights, random_mask, require_equal_pictures
from graphs import draw
from tiny_model import TinyModel, compiled, tiny_denoiser, tiny_sd


@pytest.fixture(scope="module")
def tiny(extension: Any) -> TinyModel:
    """A model that no other test touches."""
    return tiny_sd()


@pytest.fixture(scope="module")
def mask(extension: Any, tiny: TinyModel) -> Any:
    return random_mask(extension, tiny.model, seed=0)


def test_two_masks_are_their_union(host: Any, extension: Any, tiny: TinyModel, mask: Any) -> None:
    other = random_mask(extension, tiny.model, seed=1)
    both = {name: pruned | other.layers[name] for name, pruned in mask.layers.items()}
    union = type(mask)(both, mask.model, ("both",), {}, {})
    stacked = apply(extension, apply(extension, tiny.model, mask), other)
    together = apply(extension, tiny.model, union)
    assert torch.equal(draw(host, tiny, stacked), draw(host, tiny, together))
    assert torch.equal(draw(host, tiny, stacked), draw(host, tiny, by_hand(union)))


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_a_merge_weighs_the_masked_weights(extension: Any, mask: Any, ratio: float) -> None:
    """As the help says: merged half and half with the whole model, the effect is halved."""
    model = tiny_denoiser()
    before = patched_weights(model, mask)
    masked = apply(extension, model, mask)
    merge = ModelMergeSimple()
    result: Any = merge.merge(masked, model, ratio)  # pyright: ignore
    during = patched_weights(result[0], mask)
    for name, pruned in mask.layers.items():
        expected = before[name][pruned] * (1 - ratio)
        assert torch.allclose(during[name][pruned], expected, rtol=1e-6, atol=1e-7)
        assert torch.allclose(during[name][~pruned], before[name][~pruned], rtol=1e-6, atol=1e-7)


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host's mode that keeps no weights on the device."""
    monkeypatch.setattr(model_management, "is_device_cpu", lambda device: False)
    monkeypatch.setattr(model_management, "vram_state", model_management.VRAMState.NO_VRAM)
    yield
    model_management.unload_all_models()


def test_the_mode_without_memory(
    host: Any, extension: Any, tiny: TinyModel, mask: Any, no_memory: None
) -> None:
    model = tiny_denoiser()
    trio = Trio(model, apply(extension, model, mask), by_hand(mask))
    require_equal_pictures(host, tiny, trio, lambda graph, link: link)


def test_models_unloaded_between_runs(
    host: Any, extension: Any, tiny: TinyModel, mask: Any
) -> None:
    masked = apply(extension, tiny.model, mask)
    plain, first = draw(host, tiny, tiny.model), draw(host, tiny, masked)
    for _ in range(2):
        model_management.unload_all_models()
        model_management.soft_empty_cache()
        gc.collect()
        assert torch.equal(draw(host, tiny, masked), first)
        assert torch.equal(draw(host, tiny, tiny.model), plain)


def test_a_compiled_model_is_masked(host: Any, extension: Any, tiny: TinyModel, mask: Any) -> None:
    models = (tiny.model, apply(extension, tiny.model, mask), by_hand(mask))
    require_equal_pictures(host, tiny, Trio(*map(compiled, models)), lambda graph, link: link)
    masked_behind = apply(extension, compiled(tiny.model), mask)
    expected = draw(host, tiny, compiled(by_hand(mask)))
    assert torch.equal(draw(host, tiny, masked_behind), expected)
