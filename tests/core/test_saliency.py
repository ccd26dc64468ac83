"""Eq. 1 and Eq. 2 against loops in float64, by hand, and at the edges of half precision."""

from types import SimpleNamespace
from typing import Any

import pytest
import readable
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
    alignments,
    concept_sensitive_mask,
    contrastive_saliency,
    unit_columns,
)
from fia_core.equations.saliency import product_dtype

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def saliency(weight: torch.Tensor, x: torch.Tensor, form: str = "exact") -> torch.Tensor:
    """U of one prompt, |W| · |P|ᵀ."""
    y = x.float() @ weight.float().T
    unit, _ = unit_columns(y[None], torch.float32)
    return weight.float().abs() * alignments(x[None], unit, form)[0].mT.abs()


@given(seeds, sizes, sizes, sizes, st.sampled_from(DTYPES))
def test_both_forms_of_equation_1(
    seed: int, tokens: int, channels: int, inputs: int, dtype: torch.dtype
) -> None:
    weight = normal(seed, channels, inputs).to(dtype)
    x = normal(seed + 1, tokens, inputs).to(dtype)
    exact = reference.unified_saliency(weight, x, 0.0)
    assert_near(saliency(weight, x), exact)
    assert_near(readable.unified_saliency(weight, x).float(), exact)
    assert_near(saliency(weight, x, "released"), reference.released_saliency(weight, x))


def test_the_exact_form_by_hand() -> None:
    # X[:, 0] = (3, 4), Y = 2 · X[:, 0]: parallel, so U = |W| · ‖X[:, 0]‖ = 2 · 5.
    weight = torch.tensor([[-2.0, 0.0]])
    x = torch.tensor([[3.0, 1.0], [4.0, 0.0]])
    assert saliency(weight, x).tolist() == [[10.0, 0.0]]


def test_the_exact_form_counts_only_the_parallel_part() -> None:
    # Y = X[:, 0] + X[:, 1] with orthogonal columns of length 1: the cosine is 1 / √2.
    expected = torch.full((1, 2), 0.5**0.5, dtype=torch.float64)
    assert_near(saliency(torch.ones(1, 2), torch.eye(2)), expected)


def test_the_released_form_by_hand() -> None:
    # Rows become (0.6, 0.8) and (1, 0); the row of zeros stays. Column norms √1.36 and 0.8.
    x = torch.tensor([[3.0, 4.0], [7.0, 0.0], [0.0, 0.0]])
    released = saliency(torch.tensor([[1.0, -10.0]]), x, "released")
    assert_near(released, torch.tensor([[1.36**0.5, 8.0]], dtype=torch.float64))


@pytest.mark.parametrize("form", ["exact", "released"])
def test_silent_inputs_and_channels_have_no_saliency(form: str) -> None:
    assert saliency(torch.ones(2, 3), torch.zeros(4, 3), form).tolist() == [[0.0] * 3] * 2
    assert saliency(torch.zeros(2, 3), torch.ones(4, 3), form).tolist() == [[0.0] * 3] * 2


def test_a_channel_whose_inputs_cancel_is_silent() -> None:
    weight = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    silent, loud = saliency(weight, torch.ones(3, 2))
    assert silent.tolist() == [0.0, 0.0] and (loud > 0).all()


def test_the_largest_half_precision_numbers() -> None:
    weight = (normal(0, 3, 4).sign() * 65504).half()
    x = (normal(1, 5, 4).clamp(-1, 1) * 65504).half()
    assert_near(saliency(weight, x), reference.unified_saliency(weight, x, 0.0))


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (torch.float16, 6e4),
        (torch.float16, 6e-8),
        (torch.bfloat16, 1e38),
        (torch.bfloat16, 1e-20),
        (torch.float32, 1e25),
    ],
)
def test_the_released_form_stays_in_range(dtype: torch.dtype, size: float) -> None:
    weight, x = normal(0, 3, 4).to(dtype), (normal(1, 5, 4).clamp(-1, 1) * size).to(dtype)
    assert_near(saliency(weight, x, "released"), reference.released_saliency(weight, x))


def test_released_rows_of_very_different_length_all_count() -> None:
    x = torch.tensor([[1e30, 0.0], [0.0, 1e-30]])
    assert saliency(torch.ones(1, 2), x, "released").tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("form", ["exact", "released"])
def test_several_prompts_are_each_as_if_alone(form: str) -> None:
    weight, x = normal(0, 3, 4), normal(1, 5, 6, 4)
    unit, _ = unit_columns(x @ weight.T, torch.float32)
    together = alignments(x, unit, form)
    assert len(together) == 5
    for row in range(5):
        alone = alignments(x[row : row + 1], unit[row : row + 1], form)[0]
        assert torch.allclose(together[row], alone, rtol=1e-6, atol=1e-6)


def test_arguments_are_left_alone() -> None:
    x = normal(1, 1, 5, 4)
    y = (x @ normal(0, 3, 4).T).requires_grad_()
    before = x.clone(), y.detach().clone()
    unit, norms = unit_columns(y, torch.float32)
    assert not (alignments(x, unit, "exact").requires_grad or norms.requires_grad)
    assert torch.equal(x, before[0]) and torch.equal(y.detach(), before[1])


def test_what_is_not_finite_passes_through() -> None:
    assert saliency(torch.ones(2, 3), torch.full((4, 3), torch.nan)).isnan().all()


def test_contrastive_saliency_by_hand() -> None:
    weight_size = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float16)
    mean, bar = torch.tensor([[5.0], [5.0], [5.0]]), torch.tensor([[2.0], [5.0], [6.0]])
    contrast = contrastive_saliency(weight_size, mean, bar)
    assert contrast.dtype == torch.float32
    assert contrast.tolist() == [[3.0, 0.0, 0.0]]


@pytest.mark.parametrize("stack", [1, 4, 10])
def test_masks_of_heavy_tailed_activations_are_those_of_the_readable_form(stack: int) -> None:
    channels, inputs, prompts, steps = 80, 320, 10, 3
    weight = normal(0, channels, inputs)
    generator = torch.Generator().manual_seed(1)
    loud = torch.empty(inputs).log_normal_(0, 1.5, generator=generator)  # some inputs by far
    fast, expected = (SensitivityAccumulator(0.05, weight.shape) for _ in range(2))
    for step in range(steps):
        common = normal(10 * step, 64, inputs)
        shift = 0.3 * normal(10 * step + 1, 64, inputs)
        groups = [
            (common + offset + 0.3 * normal(10 * step + 2 + place, prompts, 64, inputs)) * loud
            for place, offset in enumerate((torch.zeros(()), shift))
        ]
        base, concept = (
            torch.stack([readable.unified_saliency(weight, x) for x in group]) for group in groups
        )
        expected.add(readable.contrastive_saliency(concept, base))
        moments, mean = RunningMoments(weight.T.shape), RunningMean(weight.T.shape)
        for running, group in zip((moments, mean), groups, strict=True):
            for x in group.split(stack):
                unit, _ = unit_columns(x @ weight.T, torch.float32)
                running.add(alignments(x, unit, "exact"))
        bar = moments.into_mean_plus_std()
        fast.fold(contrastive_saliency(weight.abs(), mean.into_mean(), bar))
    for share in (0.01, 0.02, 0.05):
        mask = concept_sensitive_mask(fast.result(), share)
        assert torch.equal(mask, concept_sensitive_mask(expected.result(), share))


def test_the_size_of_a_real_layer() -> None:
    weight, x = normal(0, 320, 1280) * 0.02, normal(1, 1024, 1280)
    assert_near(saliency(weight, x), readable.unified_saliency(weight, x))


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
