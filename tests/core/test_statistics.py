"""The fast path and the running moments against the readable form and float64."""

from types import SimpleNamespace
from typing import Any

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import assert_near
from samples import normal, seeds, sizes

from fia_core import (
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    concept_sensitive_mask,
    contrastive_saliency,
    prompt_saliencies,
    prompt_saliency,
    released_saliency,
    time_integrated_sensitivity,
    unified_saliency,
)
from fia_core.equations.statistics import (
    alignments,
    product_dtype,
    unit_columns,
    weighted_contrast,
)

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@given(seeds, sizes, sizes, sizes, st.sampled_from(DTYPES))
def test_fast_path_is_the_readable_form(
    seed: int, tokens: int, channels: int, inputs: int, dtype: torch.dtype
) -> None:
    weight = normal(seed, channels, inputs).to(dtype)
    x = normal(seed + 1, tokens, inputs).to(dtype)
    exact = unified_saliency(weight, x)
    assert_near(prompt_saliency(weight, x), exact.double())
    assert_near(prompt_saliency(weight, x, x.float() @ weight.float().T), exact.double())
    released = prompt_saliency(weight, x, form="released")
    assert_near(released, released_saliency(weight, x).double())


@pytest.mark.parametrize("form", ["exact", "released"])
def test_several_prompts_are_each_as_if_alone(form: str) -> None:
    weight, x = normal(0, 3, 4), normal(1, 5, 6, 4)
    y = x @ weight.T
    together = list(prompt_saliencies(weight, x, y, form))
    assert len(together) == 5
    for saliency, one_x, one_y in zip(together, x, y, strict=True):
        assert torch.equal(saliency, prompt_saliency(weight, one_x, one_y, form))


@pytest.mark.parametrize("stack", [1, 4, 10])
def test_masks_of_heavy_tailed_activations_are_those_of_the_readable_form(stack: int) -> None:
    channels, inputs, prompts, steps = 80, 320, 10, 3
    weight = normal(0, channels, inputs)
    generator = torch.Generator().manual_seed(1)
    loud = torch.empty(inputs).log_normal_(0, 1.5, generator=generator)  # some inputs by far
    fast = SensitivityAccumulator(0.05, weight.shape)
    readable = []
    for step in range(steps):
        common = normal(10 * step, 64, inputs)
        shift = 0.3 * normal(10 * step + 1, 64, inputs)
        groups = [
            (common + offset + 0.3 * normal(10 * step + 2 + place, prompts, 64, inputs)) * loud
            for place, offset in enumerate((torch.zeros(()), shift))
        ]
        means = [torch.stack([unified_saliency(weight, x) for x in group]) for group in groups]
        base, concept = (each.double() for each in means)
        readable.append(
            contrastive_saliency(concept.mean(0), base.mean(0), base.std(0, correction=0))
        )
        moments, mean = RunningMoments(weight.T.shape), RunningMean(weight.T.shape)
        for running, group in zip((moments, mean), groups, strict=True):
            for x in group.split(stack):
                unit, _ = unit_columns(x @ weight.T, torch.float32)
                running.add(alignments(x, unit, "exact"))
        bar = moments.into_mean_plus_std()
        fast.fold(weighted_contrast(weight.abs(), mean.into_mean(), bar))
    expected = time_integrated_sensitivity(torch.stack(readable), 0.05)
    for share in (0.01, 0.02, 0.05):
        mask = concept_sensitive_mask(fast.result(), share)
        assert torch.equal(mask, concept_sensitive_mask(expected, share))


def test_fast_path_at_the_size_of_a_real_layer() -> None:
    weight, x = normal(0, 320, 1280) * 0.02, normal(1, 1024, 1280)
    assert_near(prompt_saliency(weight, x), unified_saliency(weight, x).double())


def test_fast_path_holds_the_largest_half_precision_numbers() -> None:
    weight = (normal(0, 3, 4).sign() * 65504).half()
    x = (normal(1, 5, 4).clamp(-1, 1) * 65504).half()
    assert_near(prompt_saliency(weight, x), reference.unified_saliency(weight, x, 1e-12))


def test_fast_path_of_silent_channels_is_zero() -> None:
    weight = torch.tensor([[1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    saliency = prompt_saliency(weight, torch.ones(3, 2))
    assert saliency[:2].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert (saliency[2] > 0).all()


def test_fast_path_leaves_its_arguments_alone() -> None:
    weight, x = torch.nn.Parameter(normal(0, 3, 4)), normal(1, 5, 4)
    y = (x @ weight.T).detach()
    before = weight.detach().clone(), x.clone(), y.clone()
    saliency = prompt_saliency(weight, x, y)
    assert not saliency.requires_grad
    for argument, original in zip((weight, x, y), before, strict=True):
        assert torch.equal(argument, original)


def test_nan_reaches_the_contrast_and_is_refused_there() -> None:
    moments = RunningMoments((2, 3))
    moments.add(prompt_saliency(torch.ones(2, 3), torch.full((4, 3), torch.nan)))
    with pytest.raises(ValueError, match=r"^base_mean: holds nan"):
        contrastive_saliency(torch.ones(2, 3), moments.mean, moments.std)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"form": "wanda"}, r"^form: is 'wanda'; choose one of 'exact', 'released'"),
        ({"x": torch.ones(4, 2)}, r"^x: has shape \(4, 2\)"),
        ({"x": torch.ones(3)}, r"^x: has shape \(3,\)"),
        ({"y": torch.ones(4, 3)}, r"^y: has shape \(4, 3\)"),
        ({"weight": torch.ones(2, 3, dtype=torch.complex64)}, r"^weight: has dtype"),
    ],
)
def test_fast_path_refuses_bad_input(arguments: dict, complaint: str) -> None:
    good: dict[str, Any] = {
        "weight": torch.ones(2, 3),
        "x": torch.ones(4, 3),
        "y": torch.ones(4, 2),
    }
    with pytest.raises(ValueError, match=complaint):
        prompt_saliency(**(good | arguments))


@given(seeds, st.integers(1, 30), st.floats(0, 1000))
def test_moments_are_mean_and_population_deviation(seed: int, count: int, offset: float) -> None:
    values = normal(seed, count, 3, 4) + offset
    exact = values.double().abs()
    for stack in (1, 4, count):  # prompts that are added together
        moments, mean = RunningMoments((3, 4)), RunningMean((3, 4))
        for first in range(0, count, stack):
            moments.add(values[first : first + stack].clone())
            mean.add(values[first : first + stack].clone())
        assert moments.count == mean.count == count
        assert_near(moments.mean, exact.mean(dim=0))
        assert_near(mean.mean, exact.mean(dim=0))
        deviation = (moments.std.double() - exact.std(dim=0, unbiased=False)).abs().max()
        assert deviation <= 1e-5 * exact.max()
        bar = moments.mean + moments.std
        assert torch.equal(moments.into_mean_plus_std(), bar)


def test_moments_of_equal_prompts_have_no_deviation() -> None:
    moments = RunningMoments((2,))
    for _ in range(7):
        moments.add(torch.tensor([0.1, -1e6]))
    assert moments.mean.tolist() == torch.tensor([0.1, 1e6]).tolist()
    assert moments.std.tolist() == [0.0, 0.0]


def test_moments_refuse_bad_input() -> None:
    moments = RunningMoments((2, 3))
    for attribute in ("mean", "std"):
        with pytest.raises(ValueError, match=r"^count: is 0"):
            getattr(moments, attribute)
    with pytest.raises(ValueError, match=r"^saliency: has shape \(3, 2\); give \(2, 3\)"):
        moments.add(torch.ones(3, 2))
    assert moments.count == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_card_that_adds_fp16_in_fp16_multiplies_it_in_float32(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    """As under --fast fp16_accumulation; a stand-in, since no card is here."""
    on_card: Any = SimpleNamespace(dtype=dtype, is_cuda=True)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert product_dtype(on_card) == dtype
    allowed = SimpleNamespace(allow_fp16_accumulation=True)
    monkeypatch.setattr(torch.backends.cuda, "matmul", allowed)
    assert product_dtype(on_card) == (torch.float32 if dtype == torch.float16 else dtype)
