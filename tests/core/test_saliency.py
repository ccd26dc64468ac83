"""Eq. 1 and Eq. 2 against loops in float64, by hand, and at the edges of half precision."""

from collections.abc import Callable
from typing import Any

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import assert_near
from samples import normal, seeds, sizes

from fia_core import contrastive_saliency, released_saliency, unified_saliency

Form = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@given(seeds, sizes, sizes, sizes, st.sampled_from(DTYPES))
def test_unified_saliency_is_equation_1(
    seed: int, tokens: int, channels: int, inputs: int, dtype: torch.dtype
) -> None:
    weight = normal(seed, channels, inputs).to(dtype)
    x = normal(seed + 1, tokens, inputs).to(dtype)
    assert_near(unified_saliency(weight, x), reference.unified_saliency(weight, x, 1e-12))


@given(seeds, sizes, sizes, sizes, st.sampled_from(DTYPES))
def test_released_saliency_is_the_published_form(
    seed: int, tokens: int, channels: int, inputs: int, dtype: torch.dtype
) -> None:
    weight = normal(seed, channels, inputs).to(dtype)
    x = normal(seed + 1, tokens, inputs).to(dtype)
    assert_near(released_saliency(weight, x), reference.released_saliency(weight, x))


def test_unified_saliency_by_hand() -> None:
    # X[:, 0] = (3, 4), Y = 2 · X[:, 0]: parallel, so U = |W| · ‖X[:, 0]‖ = 2 · 5.
    weight = torch.tensor([[-2.0, 0.0]])
    x = torch.tensor([[3.0, 1.0], [4.0, 0.0]])
    assert unified_saliency(weight, x).tolist() == [[10.0, 0.0]]


def test_unified_saliency_counts_only_the_parallel_part() -> None:
    # Y = X[:, 0] + X[:, 1] with orthogonal columns of length 1: the cosine is 1 / √2.
    saliency = unified_saliency(torch.ones(1, 2), torch.eye(2))
    assert_near(saliency, torch.full((1, 2), 0.5**0.5, dtype=torch.float64))


def test_released_saliency_by_hand() -> None:
    # Rows become (0.6, 0.8) and (1, 0); the row of zeros stays. Column norms √1.36 and 0.8.
    x = torch.tensor([[3.0, 4.0], [7.0, 0.0], [0.0, 0.0]])
    saliency = released_saliency(torch.tensor([[1.0, -10.0]]), x)
    assert_near(saliency, torch.tensor([[1.36**0.5, 8.0]], dtype=torch.float64))


@pytest.mark.parametrize("form", [unified_saliency, released_saliency])
def test_silent_inputs_have_no_saliency(form: Form) -> None:
    assert form(torch.ones(2, 3), torch.zeros(4, 3)).tolist() == [[0.0] * 3] * 2
    assert form(torch.zeros(2, 3), torch.ones(4, 3)).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("eps", [1e-12, 1e-2, 0.0])
def test_eps_is_the_one_given(eps: float) -> None:
    weight, x = normal(3, 4, 5) * 1e-3, normal(4, 6, 5) * 1e-3
    assert_near(unified_saliency(weight, x, eps), reference.unified_saliency(weight, x, eps))


@pytest.mark.parametrize(
    ("dtype", "weight_size", "x_size"),
    [
        (torch.float16, 6e4, 6e4),
        (torch.float16, 6e-8, 6e4),
        (torch.float16, 1.0, 6e-8),
        (torch.bfloat16, 1.0, 1e38),
        (torch.bfloat16, 1e20, 1e-20),
        (torch.bfloat16, 1e-30, 1e30),
        (torch.float32, 1.0, 1e25),
    ],
)
def test_sums_of_squares_stay_in_range(
    dtype: torch.dtype, weight_size: float, x_size: float
) -> None:
    weight = (normal(0, 3, 4).sign() * weight_size).to(dtype)
    x = (normal(1, 5, 4).clamp(-1, 1) * x_size).to(dtype)
    assert_near(unified_saliency(weight, x), reference.unified_saliency(weight, x, 1e-12))
    assert_near(released_saliency(weight, x), reference.released_saliency(weight, x))


def test_released_rows_of_very_different_length_all_count() -> None:
    x = torch.tensor([[1e30, 0.0], [0.0, 1e-30]])
    assert released_saliency(torch.ones(1, 2), x).tolist() == [[1.0, 1.0]]


def test_arguments_are_left_alone() -> None:
    weight, x = normal(0, 3, 4).requires_grad_(), normal(1, 5, 4)
    before = weight.detach().clone(), x.clone()
    saliency = unified_saliency(weight, x)
    assert not saliency.requires_grad
    assert torch.equal(weight, before[0])
    assert torch.equal(x, before[1])


def test_contrastive_saliency_by_hand() -> None:
    saliency = contrastive_saliency(
        torch.tensor([5.0, 5.0, 5.0], dtype=torch.float16),
        torch.tensor([1.0, 4.0, 4.0], dtype=torch.float64),
        torch.tensor([1.0, 1.0, 2.0]),
    )
    assert saliency.dtype == torch.float32
    assert saliency.tolist() == [3.0, 0.0, 0.0]


@pytest.mark.parametrize("form", [unified_saliency, released_saliency])
@pytest.mark.parametrize(
    ("weight", "x", "complaint"),
    [
        (torch.ones(2, 3), torch.ones(4, 2), r"^x: has shape \(4, 2\)"),
        (torch.ones(3), torch.ones(4, 3), r"^weight: has shape \(3,\)"),
        (torch.ones(2, 3), torch.ones(1, 4, 3), r"^x: has shape \(1, 4, 3\)"),
        (torch.ones(2, 3), torch.ones(0, 3), r"^x: has shape \(0, 3\)"),
        (torch.tensor([[1.0, torch.nan]]), torch.ones(4, 2), r"^weight: holds nan at \(0, 1\)"),
        (torch.ones(1, 2), torch.tensor([[1.0, -torch.inf]]), r"^x: holds -inf at \(0, 1\)"),
        (torch.ones(1, 1), torch.tensor([[1e39]], dtype=torch.float64), r"^x: holds inf"),
        (torch.ones(1, 2, dtype=torch.bool), torch.ones(4, 2), r"^weight: has dtype torch.bool"),
        ([[1.0]], torch.ones(4, 1), r"^weight: is list"),
    ],
)
def test_bad_input_is_named(form: Form, weight: Any, x: torch.Tensor, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        form(weight, x)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_contrastive_saliency_refuses_bad_input(position: int) -> None:
    name = ("concept_mean", "base_mean", "base_std")[position]
    arguments = [torch.ones(2, 3) for _ in range(3)]
    arguments[position] = torch.full((2, 3), torch.nan)
    with pytest.raises(ValueError, match=rf"^{name}: holds nan at \(0, 0\)"):
        contrastive_saliency(*arguments)
    arguments[position] = torch.ones(3, 2)
    with pytest.raises(ValueError, match=r"has shape \(\d, \d\)"):
        contrastive_saliency(*arguments)


def test_contrastive_saliency_refuses_a_negative_deviation() -> None:
    with pytest.raises(ValueError, match=r"^base_std: has -1; a deviation is not negative"):
        contrastive_saliency(torch.ones(2), torch.ones(2), torch.tensor([1.0, -1.0]))
