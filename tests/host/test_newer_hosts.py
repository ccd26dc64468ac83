"""What newer hosts do with a model: split it over cards, add a LoRA as it runs, fuse its layers;
and how they size what a node gave.

Each test is skipped on a host that does not.
"""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType, SimpleNamespace
from typing import Any

import comfy.ops
import comfy.sd
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor
from comfy_execution import caching
from comparison import assert_same
from graphs import draw, picture_graph, profiled, watched
from masks_and_loras import drawn_mask, lora_file
from tiny_families import Family
from tiny_model import TinyModel, tiny_denoiser
from tiny_newer_families import FAMILIES
from tiny_quantised import FORMS, quantised_family

SECOND_CARD = torch.device("cpu", 0)
MASKED_LORA_LAYER = "diffusion_model.input_blocks.1.1.transformer_blocks.0.ff.net.2"


def split(model: ModelPatcher) -> ModelPatcher:
    """``model`` as MultiGPU CFG Split leaves it, its second card being the CPU again."""
    if not hasattr(model, "deepclone_multigpu"):
        pytest.skip("this host splits no model")
    first: Any = model.clone()
    first.cached_patcher_init = (tiny_denoiser, ())
    second = first.deepclone_multigpu(new_load_device=SECOND_CARD)
    second.is_multigpu_base_clone = True
    first.set_additional_models("multigpu", [second])
    return first


def test_a_model_split_over_two_cards_is_masked_on_both(
    host: Any, extension: Any, tiny: TinyModel
) -> None:
    model = tiny_denoiser()
    mask = drawn_mask(extension, model, share=0.2)
    apply = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask
    erased = draw(host, tiny, apply(model, mask, 1.0))
    for masked in (apply(split(model), mask, 1.0), split(apply(model, mask, 1.0))):
        calls = count_calls(masked.get_additional_models_with_key("multigpu")[0])
        assert torch.allclose(draw(host, tiny, masked), erased, atol=1e-5)
        assert calls, "the second card drew nothing"


def count_calls(model: ModelPatcher) -> list[Any]:
    calls: list[Any] = []
    model.model.diffusion_model.register_forward_pre_hook(lambda *call: calls.append(call))
    return calls


def test_a_lora_that_is_added_at_run_time_is_seen_and_not_masked(
    host: Any, extension: Any, tiny: TinyModel
) -> None:
    """The help page says so."""
    load = getattr(comfy.sd, "load_bypass_lora_for_models", None)
    if load is None:
        pytest.skip("this host adds no LoRA as it runs")
    model, _ = load(tiny_denoiser(), None, lora_file(), 1.0, 0.0)
    own = profiled(host, model, tiny.clip)
    without = profiled(host, tiny_denoiser(), tiny.clip)
    name = MASKED_LORA_LAYER
    assert not torch.equal(own.layers[name].dense(), without.layers[name].dense())

    model, _ = load(tiny_denoiser(), None, lora_file(), 1.0, 0.0)
    mask = drawn_mask(extension, model, share=0.2)
    masked = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask(
        model, mask, 1.0
    )
    layer = masked.model.get_submodule(name)
    x = torch.eye(layer.in_features)
    plain = layer.weight.clone()
    masked.patch_model()
    effect = (layer(x) - layer.bias).T
    masked.unpatch_model()
    lora = lora_file()
    up, down = (next(lora[key] for key in lora if part in key) for part in ("up", "down"))
    assert torch.allclose(effect, plain * ~mask.layers[name] + up @ down, atol=1e-4)
    assert torch.allclose((layer(x) - layer.bias).T, plain, atol=1e-5)


def fused(block: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What Lumina 2's feed-forward blocks do in ComfyUI 0.38, without its kernel: where the last
    layer is quantised and nothing but itself makes its weight, the layer is not called."""
    w1, w2, w3 = (getattr(block, name) for name in ("w1", "w2", "w3"))
    gated: torch.Tensor = block._forward_silu_gating(w1(x), w3(x))  # pyright: ignore[reportCallIssue]
    if isinstance(w2.weight, QuantizedTensor) and not w2.weight_function:
        return torch.nn.functional.linear(gated, w2.weight, w2.bias)
    return w2(gated)


def fused_by_the_host(block: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Krea 2's feed-forward part as Qwen-Image 2.1 has it: the host runs the activation inside the
    product of an INT8 layer, and does not call the layer."""
    gate, up, down = (getattr(block, name) for name in ("gate", "up", "down"))
    run: Any = comfy.ops
    return run.linear_input_act(down, torch.cat([gate(x), up(x)], dim=-1), "swiglu")


def with_fused_blocks(model: ModelPatcher) -> ModelPatcher:
    for block in model.model.modules():
        if hasattr(block, "_forward_silu_gating"):
            block.forward = MethodType(fused, block)
        elif hasattr(block, "down"):
            block.forward = MethodType(fused_by_the_host, block)
    return model


@pytest.fixture(params=["Lumina 2", "Krea 2"])
def fusing(request: pytest.FixtureRequest, extension: Any) -> Family:
    """A family whose blocks can run fused; the host has all that this takes."""
    FORMS["int8 rotated"].require()
    if request.param not in FAMILIES or not hasattr(comfy.ops, "linear_input_act"):
        pytest.skip(f"this host has no {request.param}, or runs none of its layers fused")
    return FAMILIES[request.param]


def rotated(family: Family) -> ModelPatcher:
    return quantised_family(FORMS["int8 rotated"], family)


def test_blocks_that_run_fused_are_profiled(host: Any, fusing: Family) -> None:
    clip = fusing.clip()
    own = profiled(host, with_fused_blocks(rotated(fusing)), clip, cfg=fusing.cfg)
    assert_same(own, profiled(host, rotated(fusing), clip, cfg=fusing.cfg))


def test_what_a_profile_keeps_is_allocated_outside_of_recordings(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ComfyUI 0.38 makes them for Qwen-Image 2.1."""
    pauses: list[bool] = []

    @contextmanager
    def pause() -> Iterator[None]:
        pauses.append(True)
        yield
        pauses.append(False)

    recorder = SimpleNamespace(pause_malloc_graph=pause)
    monkeypatch.setitem(sys.modules, "comfy.model_prefetch", recorder)
    profile = profiled(host, tiny.model, tiny.clip)
    assert len(pauses) >= 2 * len(profile.layers)


def test_a_profile_lets_qwen_image_21_keep_no_text(host: Any, tiny: TinyModel) -> None:
    """Else a layer would run once for the text and once for the picture, and later without text."""
    told: list[Any] = []
    name = "qwen_image21_cache"
    model = watched(
        tiny.model, lambda call: told.append(call["c"]["transformer_options"].get(name))
    )
    profiled(host, model, tiny.clip)
    assert told and all(value == {"device": "off"} for value in told)
    assert name not in model.model_options["transformer_options"]


def latents(host: Any, model: ModelPatcher, family: Family) -> torch.Tensor:
    graph = {"model": host.source(model), "clip": host.source(family.clip())}
    graph |= picture_graph(["model", 0])
    del graph["picture"]
    graph["sampler"]["inputs"]["cfg"] = family.cfg
    host.forget()
    return host.run(graph, "sampler")[0]["samples"].clone()


def test_blocks_that_run_fused_are_masked_in_a_strip(
    host: Any, extension: Any, fusing: Family
) -> None:
    strip = extension.module("nodes.host.applying.strength_strip").strip_of_mask
    models = with_fused_blocks(rotated(fusing)), rotated(fusing)
    mask = drawn_mask(extension, models[0], share=0.5)
    fused, apart = (latents(host, strip(model, mask, [1.0]), fusing) for model in models)
    assert torch.equal(fused, apart)
    unchanged = latents(host, strip(models[0], mask, [0.0]), fusing)
    assert not torch.allclose(fused, unchanged)
    plain = latents(host, models[0], fusing)
    assert (unchanged - plain).square().mean() < 0.01 * plain.square().mean(), "unpacked weights"


def test_a_strip_of_a_model_split_over_two_cards_is_drawn_on_one(
    host: Any, extension: Any, tiny: TinyModel
) -> None:
    model = tiny_denoiser()
    strip = extension.module("nodes.host.applying.strength_strip").strip_of_mask
    mask = drawn_mask(extension, model, share=0.2)
    whole = draw(host, tiny, strip(model, mask, [1.0]))
    shared = split(model)
    calls = count_calls(shared.get_additional_models_with_key("multigpu")[0])
    assert torch.equal(draw(host, tiny, strip(shared, mask, [1.0])), whole)
    assert not calls


def test_profiles_and_masks_are_sized_where_memory_is_short(
    host: Any, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they count as nothing, and the host lets other nodes' outputs go instead."""
    if "_comfy_cache_tensors" not in inspect.getsource(caching):
        pytest.skip("this host sizes tensors only")
    profile = profiled(host, tiny.model, tiny.clip)
    mask = drawn_mask(extension, tiny.model)
    monkeypatch.setattr(caching, "virtual_memory_available", lambda: 0)
    for output, tensors in (
        (profile, [part for layer in profile.layers.values() for part in vars(layer).values()]),
        (mask, mask.bits.packed.values()),
    ):
        cache: Any = caching.RAMPressureCache(caching.CacheKeySetID)
        cache.cache["node"] = SimpleNamespace(outputs=[[output]])
        cache.used_generation["node"] = cache.generation - 1
        cache.timestamps["node"] = 0
        size = sum(tensor.nbytes for tensor in tensors if isinstance(tensor, torch.Tensor))
        assert cache.ram_release(1) == pytest.approx(size, abs=1)
