"""Nodes that put compiled modules into a model: no patch gets lost there without a word."""

from typing import Any

import pytest
import torch
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from comfy.utils import set_attr
from compositions import apply, by_hand, random_mask
from graphs import QUICK, GraphError, draw, profiled
from loras import with_lora
from tiny_model import TinyModel, tiny_denoiser, tiny_sd
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
