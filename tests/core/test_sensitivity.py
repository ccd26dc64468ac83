"""Eq. 3 to Eq. 6 against loops in float64, with ties and zeros everywhere."""

from fractions import Fraction

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import assert_near
from samples import few_levels, hundredths, normal, seeds, sizes

from fia_core import (
    GRANULARITIES,
    SensitivityAccumulator,
    concept_sensitive_mask,
)
from fia_core.equations.sensitivity import temporal_threshold

granularities = st.sampled_from(GRANULARITIES)


def integrated(saliency: torch.Tensor, r1: float, normalize: bool = True) -> torch.Tensor:
    """A of S, (T, C_out, C_in)."""
    accumulator = SensitivityAccumulator(r1, tuple(saliency.shape[1:]))
    for step_saliency in saliency:
        accumulator.add(step_saliency)
    return accumulator.result(normalize)


@given(seeds, sizes, sizes, st.integers(1, 30), hundredths, st.booleans(), st.booleans())
def test_time_integrated_sensitivity_is_equation_3(
    seed: int, steps: int, channels: int, inputs: int, r1: int, normalize: bool, ties: bool
) -> None:
    shape = (steps, channels, inputs)
    saliency = few_levels(seed, *shape) if ties else normal(seed, *shape).clamp_min(0)
    sensitivity = integrated(saliency, r1 / 100, normalize)
    assert_near(sensitivity, reference.time_integrated_sensitivity(saliency, r1, normalize))


def test_time_integrated_sensitivity_by_hand() -> None:
    # r1 = 50 % of 4 entries: τ_1 = 3 and τ_2 = 1, so only 4 and then 8 exceed.
    saliency = torch.tensor([[[4.0, 3.0], [2.0, 1.0]], [[0.0, 0.0], [1.0, 8.0]]])
    normalized = integrated(saliency, 0.5)
    assert_near(normalized, torch.tensor([[4, 3], [3, 9]]).double() / 9 / 2 + _EXCEEDS)
    printed = integrated(saliency, 0.5, normalize=False)
    assert_near(printed, torch.tensor([[2.0, 1.5], [1.5, 4.5]]).double() / 2 + _EXCEEDS)


_EXCEEDS = torch.tensor([[0.25, 0.0], [0.0, 0.25]], dtype=torch.float64)


def test_too_few_positive_entries_put_the_threshold_at_zero() -> None:
    step_saliency = torch.tensor([[0.0, 0.0, 5.0, 0.0]])
    assert temporal_threshold(step_saliency, Fraction(1, 2)) == 0
    assert integrated(step_saliency[None], 0.5).tolist() == [[0, 0, 1, 0]]


def test_entries_below_zero_never_exceed_the_threshold() -> None:
    saliency = torch.tensor([[[-2.0, -1.0]]])
    assert integrated(saliency, 1.0, normalize=False).tolist() == [[-1.0, -0.5]]


def test_saliency_of_zeros_gives_sensitivity_of_zeros() -> None:
    assert integrated(torch.zeros(3, 2, 2), 0.05).tolist() == [[0.0] * 2] * 2


def test_half_precision_saliency_is_summed_in_float32() -> None:
    saliency = torch.full((40, 1, 2), 65504.0, dtype=torch.float16)
    printed = integrated(saliency, 0.5, normalize=False)
    assert printed.tolist() == [[32752.0, 32752.0]]


def test_accumulator_keeps_no_reference_to_its_input() -> None:
    accumulator, step_saliency = SensitivityAccumulator(0.5, (1, 2)), torch.tensor([[1.0, 2.0]])
    accumulator.add(step_saliency)
    before = accumulator.result()
    step_saliency.zero_()
    assert torch.equal(accumulator.result(), before)


@given(seeds, sizes, st.integers(1, 40), hundredths, granularities, st.booleans())
def test_concept_sensitive_mask_is_equations_4_to_6(
    seed: int, channels: int, inputs: int, r2: int, granularity: str, ties: bool
) -> None:
    make = few_levels if ties else normal
    sensitivity = make(seed, channels, inputs)
    mask = concept_sensitive_mask(sensitivity, r2 / 100, granularity)
    assert mask.dtype == torch.bool
    assert torch.equal(mask, reference.concept_sensitive_mask(sensitivity, r2, granularity))


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_selection_by_hand(granularity: str) -> None:
    # 25 % of 4 entries a row is 1, of the layer 2.
    sensitivity = torch.tensor([[9.0, 8.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]])
    expected = {
        "channel": [[1, 0, 0, 0], [1, 0, 0, 0]],
        "layer": [[1, 1, 0, 0], [0, 0, 0, 0]],
        "both": [[1, 0, 0, 0], [0, 0, 0, 0]],
    }
    mask = concept_sensitive_mask(sensitivity, 0.25, granularity)
    assert mask.int().tolist() == expected[granularity]


def test_ties_go_to_the_lower_flat_index() -> None:
    mask = concept_sensitive_mask(torch.ones(3, 4), 0.5, "layer")
    assert mask.int().tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]
    mask = concept_sensitive_mask(torch.ones(3, 4), 0.5, "channel")
    assert mask.int().tolist() == [[1, 1, 0, 0]] * 3


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_entries_that_are_not_above_zero_are_never_selected(granularity: str) -> None:
    sensitivity = torch.tensor([[0.0, -0.0, -1.0], [0.0, 2.0, 0.0]])
    mask = concept_sensitive_mask(sensitivity, 1.0, granularity)
    assert mask.int().tolist() == [[0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("r2", range(1, 101))
def test_counts_are_exact_for_every_slider_step(r2: int) -> None:
    # 29 % of 100 in floats is 28.999…; the decimal that the user sees gives 29.
    mask = concept_sensitive_mask(torch.ones(1, 100), r2 * 0.01, "channel")
    assert int(mask.sum()) == r2
    # τ is the r2-th largest entry, so one fewer exceeds it.
    saliency = torch.arange(100.0, 0.0, -1.0).reshape(1, 1, 100)
    sensitivity = integrated(saliency, r2 * 0.01, normalize=False)
    assert int((sensitivity > saliency[0] / 2).sum()) == r2 - 1


def test_selection_of_a_large_layer_is_exact() -> None:
    sensitivity = normal(0, 300, 4000).clamp_min(0).mul(50).round()
    mask = concept_sensitive_mask(sensitivity, 0.03, "layer").flatten()
    order = torch.sort(sensitivity.flatten(), descending=True, stable=True).indices
    expected = torch.zeros_like(mask)
    expected[order[:36_000]] = True
    assert torch.equal(mask, expected)


@pytest.mark.parametrize("sparsity", [0.0, -0.01, 1.01, 5, torch.nan, torch.inf, "much", None])
def test_sparsity_outside_its_range_is_named(sparsity: object) -> None:
    with pytest.raises(ValueError, match=rf"^temporal_sparsity: is {sparsity!r}"):
        SensitivityAccumulator(sparsity, (3, 4))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"^spatial_sparsity: is {sparsity!r}"):
        concept_sensitive_mask(torch.ones(3, 4), sparsity)  # type: ignore[arg-type]


def test_bad_sensitivity_is_named() -> None:
    with pytest.raises(ValueError, match=r"^sensitivity: has shape \(2, 3, 4\)"):
        concept_sensitive_mask(torch.ones(2, 3, 4), 0.1)
    with pytest.raises(ValueError, match=r"^sensitivity: holds nan at \(0, 0\)"):
        concept_sensitive_mask(torch.full((2, 2), torch.nan), 0.1)
    with pytest.raises(ValueError, match=r"^granularity: is 'row'; choose one of 'both'"):
        concept_sensitive_mask(torch.ones(2, 2), 0.1, "row")


def test_accumulator_refuses_bad_steps() -> None:
    accumulator = SensitivityAccumulator(0.05, (2, 3))
    with pytest.raises(ValueError, match=r"^step_saliency: none was added"):
        accumulator.result()
    accumulator.add(torch.ones(2, 3))
    for wrong in (torch.ones(3, 2), torch.ones(6), torch.full((2, 3), torch.nan)):
        with pytest.raises(ValueError, match=r"^step_saliency: "):
            accumulator.add(wrong)
    assert torch.equal(accumulator.result(), integrated(torch.ones(1, 2, 3), 0.05))


def test_hundreds_of_steps_are_counted_right() -> None:
    accumulator = SensitivityAccumulator(1.0, (1, 2))
    for _ in range(300):
        accumulator.add(torch.tensor([[2.0, 1.0]]))
    assert accumulator.result().tolist() == [[1.0, 0.25]]
