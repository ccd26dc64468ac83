"""The running mean and moments against float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import assert_near
from samples import normal, seeds

from fia_core import RunningMean, RunningMoments


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
