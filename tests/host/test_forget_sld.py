"""SLD in the real host: its formulas number by number, and what it does to a sampler's steps."""

from dataclasses import replace
from typing import Any

import comfy.sample
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from forgetting import after
from graphs import Host, draw
from tiny_model import TinyModel

CUSTOM = {
    "templates": ("{concept}",),
    "joint": ", ",
    "setting": "custom",
    "safety_scale": 5000.0,
    "threshold": 1.0,
    "warm_up": 0.0,
    "momentum_scale": 0.5,
    "momentum_decay": 0.7,
}


@pytest.fixture(scope="module")
def sld(extension: Any) -> Any:
    return extension.module("benchmarks.forget.sld")


def guided(extension: Any, tiny: TinyModel, **inputs: Any) -> ModelPatcher:
    return after(extension, "sld.sld", tiny, **{**CUSTOM, **inputs}).model


def test_guidance_by_hand(sld: Any) -> None:
    settings = sld.SafetySettings(2.0, 0.1, 0.0, 0.5, 0.7)
    prompt = torch.tensor([0.0, 0.0, 1.0, 0.0])
    concept = torch.tensor([0.2, 3.0, 0.0, 0.0])
    plain = torch.tensor([1.0, 1.0, 1.0, 5.0])
    momentum = torch.tensor([0.0, 0.0, 0.0, 8.0])
    guidance = sld.safety_guidance(prompt, concept, plain, momentum, settings)
    # scales 0.4, 1 (bounded), 0 (not below the threshold), 0 (no difference)
    assert torch.allclose(guidance, torch.tensor([0.4 * -0.8, 2.0, 0.0, 4.0]))


def test_momentum_by_hand(sld: Any) -> None:
    momentum = sld.SafetyMomentum(decay=0.7)
    one, wanted = torch.ones(2), 0.0
    for step in range(4):
        assert torch.allclose(momentum.at(step, one), wanted * one)
        momentum.gather((step + 1) * one)
        momentum.at(step, one)
        momentum.gather(100 * one)  # a second call in a step does not count
        wanted = 0.7 * wanted + 0.3 * (step + 1)
    momentum.begin()
    assert torch.equal(momentum.at(0, torch.ones(3)), torch.zeros(3))


def test_the_papers_settings_grow(sld: Any) -> None:
    weak, medium, strong, most = sld.PRESETS.values()
    for less, more in ((weak, medium), (medium, strong), (strong, most)):
        assert less.safety_scale < more.safety_scale
        assert less.threshold < more.threshold
        assert less.warm_up > more.warm_up
    assert weak == replace(weak, momentum_scale=0.0, momentum_decay=0.0)


@pytest.mark.parametrize("inputs", [{"safety_scale": 0.0}, {"warm_up": 1.0}], ids=str)
def test_pictures_are_bit_for_bit_the_same_without_guidance(
    extension: Any, host: Host, tiny: TinyModel, inputs: dict[str, Any]
) -> None:
    plain = draw(host, tiny, tiny.model)
    assert torch.equal(draw(host, tiny, guided(extension, tiny, **inputs)), plain)


def test_the_picture_changes_and_the_model_stays(
    extension: Any, host: Host, tiny: TinyModel
) -> None:
    plain = draw(host, tiny, tiny.model)
    safe = guided(extension, tiny)
    first = draw(host, tiny, safe)
    assert not torch.equal(first, plain)
    assert torch.equal(draw(host, tiny, safe), first), "momentum of the last run is forgotten"
    assert torch.equal(draw(host, tiny, tiny.model), plain)
    assert not tiny.model.model_options.get("sampler_post_cfg_function")


def test_one_step_is_what_the_formula_gives(extension: Any, tiny: TinyModel, sld: Any) -> None:
    conditioning = extension.module("nodes.host.denoising.conditioning")

    def encode(prompt: str) -> Any:
        return conditioning.stack_prompts(conditioning.encode_prompts(tiny.clip, [prompt]))

    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))

    def clean(model: ModelPatcher, prompt: str, cfg: float) -> torch.Tensor:
        """The clean latent of one step of Euler's method, which ends at noise level 0."""
        given = (1, cfg, "euler", "normal", encode(prompt), encode(""), torch.zeros_like(noise))
        return comfy.sample.sample(model, noise, *given, disable_pbar=True, seed=0)

    sampling: Any = tiny.model.get_model_object("model_sampling")
    sigma = sampling.sigma_max
    start = noise * (1 + sigma**2) ** 0.5
    scale = tiny.model.model.latent_format.scale_factor
    prompt, concept, plain = (
        (start - scale * clean(tiny.model, text, 1.0)) / sigma for text in ("a park", "church", "")
    )
    settings = sld.SafetySettings(5000.0, 1.0, 0.0, 0.5, 0.7)
    guidance = sld.safety_guidance(prompt, concept, plain, torch.zeros_like(plain), settings)
    assert guidance.abs().max() > 0
    wanted = (start - sigma * (plain + 4.0 * (prompt - plain - guidance))) / scale
    got = clean(guided(extension, tiny), "a park", 4.0)
    unguided = clean(tiny.model, "a park", 4.0)
    assert (got - wanted).norm() < 0.01 * (unguided - wanted).norm()


@pytest.mark.parametrize("sampler", ["heun", "dpmpp_2m", "euler_ancestral"])
def test_other_samplers_work(extension: Any, tiny: TinyModel, sampler: str) -> None:
    conditioning = extension.module("nodes.host.denoising.conditioning")
    prompt = conditioning.stack_prompts(conditioning.encode_prompts(tiny.clip, ["a park"]))
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    sampled = comfy.sample.sample(
        guided(extension, tiny),
        noise,
        5,
        4.0,
        sampler,
        "karras",
        prompt,
        prompt,
        torch.zeros_like(noise),
        disable_pbar=True,
        seed=0,
    )
    assert torch.isfinite(sampled).all()


def test_sdxl_is_guided_too(extension: Any, host: Host, tiny_sdxl: TinyModel) -> None:
    plain = draw(host, tiny_sdxl, tiny_sdxl.model)
    assert not torch.equal(draw(host, tiny_sdxl, guided(extension, tiny_sdxl)), plain)
