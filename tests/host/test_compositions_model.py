"""A masked model among other masks and models, in other modes of memory, and with the compiled
modules of other nodes: no patch gets lost there without a word."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from comfy.utils import set_attr
from comfy_extras.nodes_model_merging import ModelMergeSimple
from compositions import Trio, apply, by_hand, patched_weights, random_mask, require_equal_pictures
from graphs import QUICK, GraphError, draw, profiled
from masks_and_loras import with_lora
from tiny_model import TinyModel, compiled, tiny_denoiser, tiny_sd
from traces import traces

DENOISER = "diffusion_model"
BLOCK = "diffusion_model.middle_block.1.transformer_blocks.0"
LOST = r"model: another node puts a compiled module, or one of its own, in place of"


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


@pytest.fixture(autouse=True)
def unloaded() -> None:
    """Nothing is in the model from the test before."""
    model_management.unload_all_models()


def compiled_by_patch(model: ModelPatcher, place: str = BLOCK) -> ModelPatcher:
    """As nodes of some packs compile."""
    clone = model.clone()
    clone.add_object_patch(place, torch.compile(clone.get_model_object(place), backend="eager"))
    return clone


@pytest.mark.parametrize("place", [DENOISER, BLOCK])
def test_a_mask_that_would_be_lost_is_refused_as_the_model_is_loaded(
    host: Any, extension: Any, tiny: TinyModel, mask: Any, place: str
) -> None:
    plain = draw(host, tiny)
    compiled_after = compiled_by_patch(apply(extension, tiny.model, mask), place)
    compiled_before = apply(extension, compiled_by_patch(tiny.model, place), mask)
    for masked in (compiled_after, compiled_before):
        model_management.unload_all_models()
        with pytest.raises(GraphError, match=LOST):
            draw(host, tiny, masked)
        assert torch.equal(draw(host, tiny), plain)


def test_a_lora_that_would_be_lost_is_refused_likewise(extension: Any, tiny: TinyModel) -> None:
    changed = with_lora(tiny.model)
    extension.module("nodes.host.model.compiled").require_patches_at_load(changed)
    model_management.load_models_gpu([changed])
    model_management.unload_all_models()
    with pytest.raises(ValueError, match=LOST):
        model_management.load_models_gpu([compiled_by_patch(changed, DENOISER)])


def test_the_plain_model_is_masked_while_a_compiled_clone_of_it_is_loaded(
    host: Any, extension: Any, tiny: TinyModel, mask: Any
) -> None:
    identity = extension.module("nodes.host.model.identity").model_identity
    before = identity(tiny.model)
    for place in (DENOISER, BLOCK):
        model_management.load_models_gpu([compiled_by_patch(tiny.model, place)])
        assert identity(tiny.model) == before
        masked = apply(extension, tiny.model, mask)
        assert torch.equal(draw(host, tiny, masked), draw(host, tiny, by_hand(mask)))


def test_a_compiled_clone_is_compiled_again_when_it_is_used(
    extension: Any, tiny: TinyModel, mask: Any
) -> None:
    clone = compiled_by_patch(tiny.model)
    model_management.load_models_gpu([clone])
    apply(extension, tiny.model, mask)
    model_management.load_models_gpu([clone])
    assert clone.model.get_submodule(BLOCK) is clone.object_patches[BLOCK]


def test_a_compiled_block_is_profiled_through_its_plain_module(
    host: Any, extension: Any, tiny: TinyModel
) -> None:
    model = compiled_by_patch(tiny.model)
    draw(host, tiny, model)  # compiled before anything is hooked
    profile = profiled(host, model, tiny.clip, **QUICK)
    plain = profiled(host, tiny.model, tiny.clip, **QUICK)
    assert profile.model == plain.model
    assert set(profile.layers) == set(plain.layers)
    assert model.object_patches.keys() == {BLOCK}


@pytest.mark.parametrize("place", [DENOISER, BLOCK])
def test_a_strip_runs_the_plain_module_of_what_is_compiled(
    extension: Any, tiny: TinyModel, mask: Any, place: str
) -> None:
    strip_of_mask = extension.module("nodes.host.applying.strength_strip").strip_of_mask
    assert not strip_of_mask(compiled_by_patch(tiny.model, place), mask, [0.0, 1.0]).object_patches


def test_what_was_replaced_before_it_was_compiled_stays_replaced(
    extension: Any, tiny: TinyModel
) -> None:
    clone = tiny.model.clone()
    own = torch.nn.Identity()
    clone.add_object_patch(BLOCK, own)
    clone = compiled_by_patch(clone)
    extension.module("nodes.host.model.clones").run_in_one_place(clone)
    assert clone.object_patches == {BLOCK: own}


def test_a_hook_on_a_compiled_model_is_refused(extension: Any, tiny: TinyModel, mask: Any) -> None:
    (hooks,) = extension.node("FIACreateErasureHook").execute(1.0, mask=mask).args
    with pytest.raises(ValueError, match=LOST):
        compiled_by_patch(tiny.model).register_all_hook_patches(hooks, {}, {})


def test_a_model_that_is_compiled_in_its_place_is_refused(extension: Any, mask: Any) -> None:
    model = tiny_denoiser()
    set_attr(model.model, BLOCK, torch.compile(model.get_model_object(BLOCK), backend="eager"))
    with pytest.raises(ValueError, match=f"{LOST} {BLOCK}"):
        apply(extension, model, mask)


def test_nothing_is_left_of_it(extension: Any, tiny: TinyModel, mask: Any) -> None:
    before = traces(tiny)
    apply(extension, compiled_by_patch(tiny.model), mask)
    assert traces(tiny) == before
