"""Create Erasure Hook with the host's own hook nodes: only where, and only when."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import execution
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_train import LoraModelLoader
from graphs import FORGET_INPUTS, Graph, GraphError, Host, apply_node, node
from masks_and_loras import drawn_mask, with_lora
from tiny_model import TinyModel, tiny_denoiser
from tiny_quantised import FORMS, OLD_HOST, Form, quantised_attention, quantised_unet

import nodes

HALF = 8  # columns of a latent of 16; the host makes no region smaller
STEPS = 4
SAMPLING: dict[str, Any] = {
    "add_noise": "enable",
    "noise_seed": 3,
    "steps": STEPS,
    "cfg": 4.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "start_at_step": 0,
    "end_at_step": STEPS,
    "return_with_leftover_noise": "enable",
}
"""Inputs of KSamplerAdvanced."""


@pytest.fixture(scope="module", autouse=True)
def hook_nodes(extension: Any) -> None:
    """The host's own nodes for hooks, and for LoRA that are not in a file."""
    nodes.NODE_CLASS_MAPPINGS["LoraModelLoader"] = LoraModelLoader
    extras = Path(execution.__file__).parent / "comfy_extras" / "nodes_hooks.py"
    assert asyncio.run(nodes.load_custom_node(str(extras), module_parent="comfy_extras"))


def hook(**inputs: Any) -> dict[str, Any]:
    return node("FIACreateErasureHook", **{"mask": ["mask", 0], "strength": 1.0, **inputs})


def props(positive: str, negative: str, **inputs: Any) -> dict[str, Any]:
    """The host's Cond Pair Set Props on two conditionings."""
    return node(
        "PairConditioningSetProperties",
        positive_NEW=[positive, 0],
        negative_NEW=[negative, 0],
        strength=1.0,
        **{"set_cond_area": "default", **inputs},
    )


def keyframes(*strength_at: tuple[float, float]) -> Graph:
    """The host's keyframes, (strength, share of the steps), the last named "keyframe"."""
    names = [f"keyframe_{number}" for number in range(1, len(strength_at))] + ["keyframe"]
    graph: Graph = {}
    for name, before, (strength, start) in zip(
        names, [None, *names[:-1]], strength_at, strict=True
    ):
        inputs: dict[str, Any] = {"strength_mult": strength, "start_percent": start}
        if before:
            inputs["prev_hook_kf"] = [before, 0]
        graph[name] = node("CreateHookKeyframe", **inputs)
    graph["scheduled"] = node("SetHookKeyframes", hooks=["hook", 0], hook_kf=["keyframe", 0])
    graph |= {"hook": hook(), "pair": props("positive", "negative", hooks=["scheduled", 0])}
    return graph


def drawn(
    host: Host,
    tiny: TinyModel,
    mask: Any,
    graph: Graph,
    conditioning: tuple[str, int, str, int] = ("pair", 0, "pair", 1),
    base: Any = None,
    **sampling: Any,
) -> torch.Tensor:
    """The latent that KSampler makes of a graph's conditionings."""
    positive, positive_output, negative, negative_output = conditioning
    links = {
        "model": sampling.pop("model", ["model", 0]),
        "positive": [positive, positive_output],
        "negative": [negative, negative_output],
        "latent_image": ["latent", 0],
    }
    host.forget()
    whole: Graph = {
        "model": host.source(base or tiny.model),
        "clip": host.source(tiny.clip),
        "mask": host.source(mask),
        "positive": encoded("a church in a park"),
        "negative": encoded(""),
        "latent": node("EmptyLatentImage", width=128, height=64, batch_size=1),
        "applied": apply_node(),
        "sampler": node("KSamplerAdvanced", **links, **(SAMPLING | sampling)),
        **graph,
    }
    return host.run(whole, "sampler")[0]["samples"].clone()


def encoded(text: str, clip: str = "clip") -> dict[str, Any]:
    return node("CLIPTextEncode", text=text, clip=[clip, 0])


PLAIN = ("positive", 0, "negative", 0)
WHOLE: Graph = {"hook": hook(), "pair": props("positive", "negative", hooks=["hook", 0])}


@pytest.mark.parametrize(
    ("strength", "dtype"),
    [(0.5, torch.float32), (1.0, torch.float32), (2.0, torch.float32), (2.0, torch.float16)],
    ids=str,
)
def test_a_hook_on_everything_is_apply_neuron_mask(
    host: Host, tiny: TinyModel, mask: Any, strength: float, dtype: torch.dtype
) -> None:
    model = tiny_denoiser(dtype)
    graph = {"hook": hook(strength=strength), "pair": WHOLE["pair"]}
    few: Any = {"steps": 2}
    hooked = drawn(host, tiny, mask, graph, base=model, **few)
    apply = apply_node(strength=strength)
    applied = drawn(host, tiny, mask, {"applied": apply}, PLAIN, model, model=["applied", 0], **few)
    assert torch.equal(hooked, applied)
    plain = drawn(host, tiny, mask, {}, PLAIN, model, **few)
    assert not torch.equal(hooked, plain)
    assert not model.hook_patches
    assert not model.hook_backup


def test_a_hook_of_a_lora_is_load_lora(host: Host, tiny: TinyModel) -> None:
    forget = node("FIAForgetLora", model=["model", 0], clip=["clip", 0], **FORGET_INPUTS)
    scheduled = {key: value for key, value in keyframes((0.5, 0.0)).items() if key != "hook"}
    of_lora = hook(strength=1.5, lora=["forget", 1])
    del of_lora["inputs"]["mask"]
    hooked = drawn(host, tiny, None, {"forget": forget, **scheduled, "hook": of_lora})
    load = node("LoraModelLoader", model=["model", 0], lora=["forget", 1], bypass=False)
    load["inputs"]["strength_model"] = 0.75
    loaded = {"forget": forget, "loaded": load}
    assert torch.equal(hooked, drawn(host, tiny, None, loaded, PLAIN, model=["loaded", 0]))
    assert not torch.equal(hooked, drawn(host, tiny, None, {}, PLAIN))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [({}, "mask, lora: connect one of the two"), ({"lora": ["lora", 0]}, "lora: it lacks")],
)
def test_no_lora_or_another_models_is_refused(
    host: Host, tiny: TinyModel, inputs: dict[str, Any], message: str
) -> None:
    wrong = hook(**inputs)
    del wrong["inputs"]["mask"]
    other = {"lora_unet_x.lora_up.weight": torch.zeros(2, 2)}
    with pytest.raises(GraphError, match=message):
        drawn(host, tiny, None, {"lora": host.source(other), **WHOLE, "hook": wrong})
    assert not tiny.model.hook_patches


def test_only_the_prompt_that_carries_it_is_masked(host: Host, tiny: TinyModel, mask: Any) -> None:
    """At guidance 1 the positive prompt alone is run."""
    only_negative = ("positive", 0, "pair", 1)
    at_one: Any = {"cfg": 1.0}
    plain = drawn(host, tiny, mask, {}, PLAIN, **at_one)
    assert torch.equal(drawn(host, tiny, mask, WHOLE, only_negative, **at_one), plain)
    assert not torch.equal(drawn(host, tiny, mask, WHOLE, **at_one), plain)
    assert not torch.equal(
        drawn(host, tiny, mask, WHOLE, only_negative), drawn(host, tiny, mask, {}, PLAIN)
    )


def side(columns: slice) -> torch.Tensor:
    region = torch.zeros(1, 8, 2 * HALF)
    region[:, :, columns] = 1
    return region


def halves(host: Host, left: Graph, right: Graph, area: str = "mask bounds") -> Graph:
    """Two pairs, one for each half of the picture; ``left`` and ``right`` are their hooks."""
    graph: Graph = {
        "hook": hook(),
        "left_half": host.source(side(slice(0, HALF))),
        "right_half": host.source(side(slice(HALF, None))),
        "left": props("positive", "negative", mask=["left_half", 0], set_cond_area=area, **left),
        "right": props("positive", "negative", mask=["right_half", 0], set_cond_area=area, **right),
        "pair": node(
            "PairConditioningCombine",
            positive_A=["left", 0],
            negative_A=["left", 1],
            positive_B=["right", 0],
            negative_B=["right", 1],
        ),
    }
    return graph


HOOKED: Any = {"hooks": ["hook", 0]}
IDLE: Any = {"hooks": ["idle", 0]}
"""At strength 0: the host runs hooked conditionings apart from others, which rounds otherwise."""


@pytest.mark.parametrize(
    ("area", "steps"),
    [("mask bounds", STEPS), ("default", 1)],
    ids=["each half denoised by itself", "one picture, after its first step"],
)
def test_outside_the_region_the_picture_is_the_plain_one(
    host: Host, tiny: TinyModel, mask: Any, area: str, steps: int
) -> None:
    """In one picture the later steps carry the change over, as they do with any regional prompt."""

    def of(left: Graph, right: Graph) -> torch.Tensor:
        graph = {"idle": hook(strength=0.0), **halves(host, left, right, area)}
        return drawn(host, tiny, mask, graph, end_at_step=steps)

    plain, masked, both = of({}, IDLE), of({}, HOOKED), of(HOOKED, HOOKED)
    assert torch.equal(masked[..., :HALF], plain[..., :HALF])
    assert torch.allclose(plain, of({}, {}), rtol=1e-4, atol=1e-3)
    assert torch.allclose(masked[..., HALF:], both[..., HALF:], rtol=1e-4, atol=1e-3)
    assert not torch.allclose(masked[..., HALF:], plain[..., HALF:], atol=1.0)


def test_before_its_first_step_the_picture_is_the_plain_one(
    host: Host, tiny: TinyModel, mask: Any
) -> None:
    graph = keyframes((0.0, 0.0), (1.0, 0.5))
    for end in range(1, STEPS + 1):
        masked = drawn(host, tiny, mask, graph, end_at_step=end)
        plain = drawn(host, tiny, mask, {}, PLAIN, end_at_step=end)
        assert torch.equal(masked, plain) == (end <= STEPS / 2), end


def test_after_its_last_step_the_plain_model_goes_on(
    host: Host, tiny: TinyModel, mask: Any
) -> None:
    graph = keyframes((1.0, 0.0), (0.0, 0.5))
    until = int(STEPS / 2)
    first = {"end_at_step": until}
    rest = {"start_at_step": until, "add_noise": "disable"}
    halfway = drawn(host, tiny, mask, {}, PLAIN, **first, model=["applied", 0])
    latent = {"latent": host.source({"samples": halfway})}
    finished = drawn(host, tiny, mask, latent, PLAIN, **rest)
    assert torch.allclose(drawn(host, tiny, mask, graph), finished, atol=1e-5)


def test_keyframes_multiply_the_strength(host: Host, tiny: TinyModel, mask: Any) -> None:
    graph = keyframes((0.5, 0.0))
    half = {"hook": hook(strength=0.5), "pair": WHOLE["pair"]}
    assert torch.equal(drawn(host, tiny, mask, graph), drawn(host, tiny, mask, half))


def test_hooks_are_combined(host: Host, tiny: TinyModel, mask: Any) -> None:
    once = drawn(host, tiny, mask, {"hook": hook(strength=0.875), "pair": WHOLE["pair"]})
    twice: Graph = {
        "first": hook(strength=0.5),
        "second": hook(strength=0.75),
        "hook": node("CombineHooks2", hooks_A=["first", 0], hooks_B=["second", 0]),
        "pair": WHOLE["pair"],
    }
    assert torch.equal(drawn(host, tiny, mask, twice), once)
    chained = {**twice, "hook": hook(strength=0.75, prev_hooks=["first", 0])}
    assert torch.equal(drawn(host, tiny, mask, chained), once)


def test_a_text_encoder_with_the_hook_stays_as_it_is(
    host: Host, tiny: TinyModel, mask: Any
) -> None:
    hooks: Any = {"hooks": ["hook", 0], "apply_to_conds": True, "schedule_clip": False}
    graph = {
        **WHOLE,
        "hooked": node("SetClipHooks", clip=["clip", 0], **hooks),
        "positive": encoded("a church in a park", "hooked"),
        "negative": encoded("", "hooked"),
    }
    assert torch.equal(drawn(host, tiny, mask, graph, PLAIN), drawn(host, tiny, mask, WHOLE))


def test_a_model_that_does_not_fit_is_refused_and_left_alone(
    host: Host, tiny: TinyModel, mask: Any
) -> None:
    other = tiny_denoiser(channel_mult=[1, 1])
    with pytest.raises(GraphError, match=r"mask: that of church was made for"):
        drawn(host, tiny, mask, WHOLE, base=other)
    assert not other.hook_patches
    drawn(host, tiny, mask, {}, PLAIN, base=other)


@pytest.mark.parametrize("quantised", [quantised_unet, quantised_attention])
def test_quantised_models_are_refused_and_left_alone(
    host: Host, extension: Any, tiny: TinyModel, quantised: Callable[[Form], ModelPatcher]
) -> None:
    model = quantised(FORMS["fp8"])
    fitting = drawn_mask(extension, model)
    with pytest.raises(GraphError, match=r"model: .* is quantised.*Use Apply Neuron Mask"):
        drawn(host, tiny, fitting, WHOLE, base=model)
    assert not model.hook_patches
    assert drawn(host, tiny, fitting, {}, PLAIN, model, model=["applied", 0]).isfinite().all()


def test_a_lora_before_the_hook_is_masked_too(host: Host, tiny: TinyModel, mask: Any) -> None:
    model = with_lora(tiny_denoiser())
    hooked = drawn(host, tiny, mask, WHOLE, base=model)
    assert torch.equal(hooked, drawn(host, tiny, mask, {}, PLAIN, model, model=["applied", 0]))


def test_a_lora_on_weights_off_the_device_is_refused(
    host: Host, tiny: TinyModel, mask: Any, small_gpu: None
) -> None:
    """The host would add it after the hook's mask."""
    model = with_lora(tiny_denoiser())
    with pytest.raises(GraphError, match=r"model: .* has a LoRA or another patch and no room"):
        drawn(host, tiny, mask, WHOLE, base=model)
    assert not model.hook_patches
    assert not model.wrappers
    drawn(host, tiny, mask, WHOLE, base=tiny_denoiser())
    drawn(host, tiny, mask, {}, PLAIN, model)


def test_scaled_weights_of_a_host_that_keeps_them_so_are_masked(
    host: Host, extension: Any, tiny: TinyModel
) -> None:
    if not OLD_HOST:
        pytest.skip("this host makes quantised tensors of them")
    model = quantised_unet(FORMS["fp8 scaled, old"])
    fitting = drawn_mask(extension, model)
    hooked = drawn(host, tiny, fitting, WHOLE, base=model)
    assert torch.equal(hooked, drawn(host, tiny, fitting, {}, PLAIN, model, model=["applied", 0]))
