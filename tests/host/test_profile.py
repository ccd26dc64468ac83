"""Profile Concept in the real host, against the host's own sampling one prompt at a time."""

import gc
from typing import Any

import comfy.sampler_helpers
import pytest
import torch
from comparison import assert_close_sensitivities, assert_same_except_at_ties
from graphs import PROFILE_INPUTS, profile_graph, watched
from plain_sampling import plain_sensitivities
from tiny_model import TinyModel, tiny_denoiser, tiny_sd2

CONCEPTS = "church\ngolf ball\ncat"
FEW = {"contexts": "road\nforest\nbeach", "profile_steps": 2}


def profiles_and_masks(
    host: Any, tiny: TinyModel, model: Any = None, **inputs: Any
) -> tuple[list[Any], list[Any]]:
    """Profiles and masks of a graph that runs afresh."""
    host.forget()
    graph = profile_graph(host, model or tiny.model, tiny.clip, **{**FEW, **inputs})
    return host.run(graph, "profile"), host.run(graph, "mask")


@pytest.fixture(scope="module")
def usual(host: Any, tiny: TinyModel) -> tuple[Any, Any]:
    """Profile and mask of church, all settings as usual."""
    with torch.inference_mode():
        (profile,), (mask,) = profiles_and_masks(host, tiny)
    return profile, mask


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_profile_equals_sampling_one_prompt_at_a_time(
    host: Any, extension: Any, tiny: TinyModel, cfg: float
) -> None:
    (profile,), _ = profiles_and_masks(host, tiny, cfg=cfg)
    expected = plain_sensitivities(extension.module("fia_core"), tiny.model, tiny.clip, profile)
    assert_close_sensitivities(profile, expected)


def test_profile_scores_the_weight_in_effect(
    host: Any, extension: Any, tiny: TinyModel, usual: tuple[Any, Any]
) -> None:
    patched = with_random_patch(tiny.model)
    plain, _ = usual
    (profile,), _ = profiles_and_masks(host, tiny, model=patched)
    expected = plain_sensitivities(extension.module("fia_core"), patched, tiny.clip, profile)
    assert_close_sensitivities(profile, expected)
    assert profile.model.architecture == plain.model.architecture
    assert profile.model.fingerprint != plain.model.fingerprint


def test_profile_of_a_model_that_is_partly_off_the_gpu(
    host: Any, tiny: TinyModel, request: pytest.FixtureRequest
) -> None:
    whole = with_random_patch(tiny_denoiser())
    (expected,), (expected_mask,) = profiles_and_masks(host, tiny, model=whole)

    request.getfixturevalue("small_gpu")
    partly = with_random_patch(tiny_denoiser())
    (profile,), (mask,) = profiles_and_masks(host, tiny, model=partly)
    assert partly.lowvram_patch_counter() > 0, "the host has loaded the whole model"
    assert profile.model == expected.model
    assert_same_except_at_ties(mask, expected_mask, expected)


def with_random_patch(model: Any) -> Any:
    """A clone with a dense patch on every FFN2 weight, as a LoRA gives."""
    generator = torch.Generator().manual_seed(9)
    patched = model.clone()
    patches = {
        key: (0.05 * torch.randn(weight.shape, generator=generator),)
        for key, weight in patched.model.state_dict().items()
        if key.endswith("ff.net.2.weight")
    }
    assert len(patched.add_patches(patches)) == len(patches) > 0
    return patched


def test_one_profile_a_concept_and_base_prompts_once(host: Any, tiny: TinyModel) -> None:
    rows: list[int] = []
    counting = watched(tiny.model, lambda call: rows.append(len(call["input"])))
    host.forget()
    graph = profile_graph(host, counting, tiny.clip, concepts=CONCEPTS, cfg=1.0)
    profiles = host.run(graph, "profile")
    assert [profile.concept for profile in profiles] == CONCEPTS.splitlines()
    assert sum(rows) == (1 + 3) * 4 * 3  # (base and three concepts) · contexts · steps
    assert profiles[1].concept_prompts[1] == "a golf ball near a forest"
    assert profiles[0].base_prompts == profiles[2].base_prompts


def test_a_profile_does_not_depend_on_its_companions(host: Any, tiny: TinyModel) -> None:
    together, masks = profiles_and_masks(host, tiny, concepts=CONCEPTS)
    (alone,), (mask,) = profiles_and_masks(host, tiny, concepts="cat")
    assert_same_except_at_ties(masks[2], mask, alone)
    assert together[2].model == alone.model


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_sde", "lcm"])
def test_noise_that_a_sampler_adds_does_not_depend_on_the_companions(
    host: Any, tiny: TinyModel, sampler: str
) -> None:
    _, masks = profiles_and_masks(host, tiny, concepts=CONCEPTS, sampler=sampler)
    (alone,), (mask,) = profiles_and_masks(host, tiny, concepts="cat", sampler=sampler)
    assert_same_except_at_ties(masks[2], mask, alone)


def test_the_same_graph_twice_gives_the_same_bits(
    host: Any, tiny: TinyModel, usual: tuple[Any, Any]
) -> None:
    one, one_mask = usual
    (two,), (two_mask,) = profiles_and_masks(host, tiny)
    assert one is not two
    for name, layer in one.layers.items():
        assert torch.equal(layer.values, two.layers[name].values)
        assert torch.equal(one_mask.layers[name], two_mask.layers[name])


@pytest.mark.parametrize("batch_size", [0, 1, 2, 100])  # groups have 3 prompts, as a call has
def test_batch_size_does_not_matter(
    host: Any, tiny: TinyModel, usual: tuple[Any, Any], batch_size: int
) -> None:
    profile, mask = usual
    _, (other,) = profiles_and_masks(host, tiny, batch_size=batch_size)
    assert_same_except_at_ties(mask, other, profile)


def test_guidance_in_one_forward_or_two(
    host: Any, tiny: TinyModel, request: pytest.FixtureRequest
) -> None:
    forwards: list[list[int]] = []
    noting = watched(tiny.model, lambda call: forwards.append(list(call["cond_or_uncond"])))
    (profile,), (together,) = profiles_and_masks(host, tiny, model=noting)
    assert all(len(parts) == 2 for parts in forwards)

    forwards.clear()
    request.getfixturevalue("little_memory")
    _, (apart,) = profiles_and_masks(host, tiny, model=noting)
    assert {tuple(parts) for parts in forwards} == {(0,), (1,)}
    assert_same_except_at_ties(together, apart, profile)


@pytest.mark.parametrize("sampler", ["heun", "dpm_2", "dpmpp_2m", "uni_pc", "ddim"])
def test_a_step_is_found_by_its_noise_level(host: Any, tiny: TinyModel, sampler: str) -> None:
    (profile,), _ = profiles_and_masks(host, tiny, sampler=sampler, profile_steps=1)
    (euler,), _ = profiles_and_masks(host, tiny, profile_steps=1)
    assert_close_sensitivities(
        profile, {name: layer.dense() for name, layer in euler.layers.items()}
    )
    profiles_and_masks(host, tiny, sampler=sampler)  # further steps: every one is found


def test_a_sampler_of_its_own_steps_runs_where_it_leaves_none_out(
    host: Any, extension: Any, tiny: TinyModel
) -> None:
    profiles_and_masks(host, tiny, sampler="dpm_adaptive", profile_steps=1)
    fields = {field.id: field for field in extension.node("FIAProfileConcept").GET_SCHEMA().inputs}
    assert "One that leaves out a step is refused." in fields["sampler"].tooltip


def test_the_released_form_is_another_profile(
    host: Any, tiny: TinyModel, usual: tuple[Any, Any]
) -> None:
    exact, _ = usual
    (released,), _ = profiles_and_masks(host, tiny, saliency_form="released")
    name = next(iter(exact.layers))
    assert not torch.equal(exact.layers[name].dense(), released.layers[name].dense())


def test_own_contexts_and_templates(host: Any, tiny: TinyModel) -> None:
    (profile,), _ = profiles_and_masks(
        host,
        tiny,
        contexts="sea\n\n  hill ",
        concept_templates="{concept} by a {context}\na {context} and a {concept}",
        base_template="only a {context}",
    )
    assert profile.concept_prompts == ("church by a sea", "a hill and a church")
    assert profile.base_prompts == ("only a sea", "only a hill")


def test_default_contexts_are_the_papers(host: Any, extension: Any, tiny: TinyModel) -> None:
    core = extension.module("fia_core")
    (profile,), _ = profiles_and_masks(
        host, tiny, contexts="", kind="art style", concepts="Monet", profile_steps=1
    )
    objects = core.default_contexts("art style")[: core.DEFAULT_CONTEXT_COUNT]
    assert profile.concept_prompts[0] == f"a {objects[0]} in the style of Monet"
    assert len(profile.base_prompts) == core.DEFAULT_CONTEXT_COUNT


def test_prompts_longer_than_a_chunk_of_the_text_encoder(
    host: Any, extension: Any, tiny: TinyModel
) -> None:
    long = " ".join(["a long road with a {concept} and a {context}"] * 12)
    (profile,), _ = profiles_and_masks(
        host, tiny, concept_templates=f"a {{concept}} in a {{context}}\n{long}"
    )
    expected = plain_sensitivities(extension.module("fia_core"), tiny.model, tiny.clip, profile)
    assert_close_sensitivities(profile, expected)


def test_memory_does_not_grow_with_prompts_or_steps(host: Any, tiny: TinyModel) -> None:
    def largest_state(**inputs: Any) -> int:
        largest = 0

        def measure(call: dict[str, Any]) -> None:
            nonlocal largest
            shapes = {(64, 256), (32, 128)}  # of the FFN2 weights
            state = sum(
                tensor.nbytes
                for tensor in gc.get_objects()
                if type(tensor) is torch.Tensor and tuple(tensor.shape) in shapes
            )
            largest = max(largest, state)

        measured = watched(tiny.model, measure)
        host.forget()
        gc.collect()
        host.run(profile_graph(host, measured, tiny.clip, concepts="church\ncat", **inputs), "mask")
        return largest

    few = largest_state(contexts="road\nforest\nbeach", profile_steps=2, batch_size=2)
    many = largest_state(contexts="road\nforest\nbeach\nroom\npark", profile_steps=4, batch_size=2)
    assert many == few > 0


def test_the_host_reserves_memory_for_a_chunk(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    estimate = comfy.sampler_helpers.estimate_memory

    def note(model: Any, noise_shape: Any, conds: Any) -> Any:
        asked.append(noise_shape[0])
        return estimate(model, noise_shape, conds)

    monkeypatch.setattr(comfy.sampler_helpers, "estimate_memory", note)
    profiles_and_masks(host, tiny, batch_size=3)
    assert asked == [3]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_models(
    host: Any, extension: Any, tiny: TinyModel, dtype: torch.dtype
) -> None:
    half = tiny_denoiser(dtype)
    (profile,), (mask,) = profiles_and_masks(host, tiny, model=half)
    assert profile.settings["precision"] == str(dtype).removeprefix("torch.")
    core = extension.module("fia_core")
    expected = plain_sensitivities(core, half, tiny.clip, profile)
    held = shared = 0
    for name, sensitivity in expected.items():
        plain = core.concept_sensitive_mask(sensitivity, mask.settings["spatial_sparsity"])
        held += int(plain.sum())
        shared += int((plain & mask.layers[name]).sum())
    assert shared >= 0.97 * held


def profile_as_sampled_plainly(host: Any, extension: Any, parts: TinyModel) -> Any:
    """A profile whose sensitivities are those of the host's own sampling."""
    (profile,), _ = profiles_and_masks(host, parts)
    core = extension.module("fia_core")
    expected = plain_sensitivities(core, parts.model, parts.clip, profile)
    assert_close_sensitivities(profile, expected)
    return profile


def test_sdxl_with_its_two_text_encoders_and_sizes(
    host: Any, extension: Any, tiny_sdxl: TinyModel
) -> None:
    profile = profile_as_sampled_plainly(host, extension, tiny_sdxl)
    assert profile.model.architecture.startswith("SDXL ")


def test_sd2_with_its_text_encoder_and_velocity_prediction(host: Any, extension: Any) -> None:
    profile = profile_as_sampled_plainly(host, extension, tiny_sd2())
    assert "SD20 " in profile.model.architecture


def test_settings_are_recorded(tiny: TinyModel, usual: tuple[Any, Any]) -> None:
    profile, _ = usual
    same = {
        name: value
        for name, value in (PROFILE_INPUTS | FEW).items()
        if name in ("seed", "steps", "profile_steps", "cfg", "width", "height")
    }
    assert same.items() <= profile.settings.items()
    assert profile.settings["temporal_sparsity"] == 0.05
    weights = sum(parameter.numel() for parameter in tiny.model.model.diffusion_model.parameters())
    assert profile.settings["model_weights"] == weights
