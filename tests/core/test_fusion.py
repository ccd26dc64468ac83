"""Eq. 7-8: the threshold by exact rationals, the fusion by loops."""

from fractions import Fraction

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import hundredths, seeds

from fia_core import agnostic_threshold, fuse_masks
from fia_core.equations.checks import decimal_share, share_count


def test_threshold_is_exact_for_every_slider_step_and_count() -> None:
    for alpha in range(1, 101):
        for concept_count in range(1, 1001):
            expected = max(2, -(-alpha * concept_count // 100))
            assert agnostic_threshold(alpha * 0.01, concept_count) == expected


def test_every_way_of_a_slider_to_a_step_means_its_decimal() -> None:
    stepped = 0.0
    for step in range(1, 101):
        stepped += 0.01
        for slider in (step / 100, step * 0.01, stepped, 1 - (100 - step) * 0.01):
            assert decimal_share("share", slider) == Fraction(step, 100)


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.01, torch.nan, -torch.inf, True, "all"])
def test_ratio_outside_its_range_is_named(ratio: object) -> None:
    with pytest.raises(ValueError, match=rf"^agnostic_ratio: is {ratio!r}; give a fraction"):
        agnostic_threshold(ratio, 10)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"^agnostic_ratio: is {ratio!r}; give a fraction"):
        fuse_masks([torch.ones(2, 2, dtype=torch.bool)], ratio)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, -1])
def test_count_below_one_is_named(count: int) -> None:
    with pytest.raises(ValueError, match=rf"^concept_count: is {count}; give at least 1"):
        agnostic_threshold(0.6, count)


@given(st.integers(1, 10_000), st.integers(1, 10**9))
def test_share_count_is_the_integer_part_of_the_exact_product(share: int, total: int) -> None:
    # A percent with two decimals, divided by 100 as a node does.
    exact = decimal_share("share", share / 100 / 100)
    assert exact == Fraction(share, 10_000)
    assert share_count(exact, total) == max(1, share * total // 10_000)


@given(seeds, st.integers(1, 12), hundredths)
def test_fusion_is_equations_7_and_8(seed: int, concept_count: int, alpha: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    masks = [torch.rand(3, 5, generator=generator) < 0.5 for _ in range(concept_count)]
    pruned, agnostic = fuse_masks(masks, alpha / 100)
    expected_pruned, expected_agnostic = reference.fuse_masks(masks, alpha)
    assert torch.equal(pruned, expected_pruned)
    assert torch.equal(agnostic, expected_agnostic)


@pytest.mark.parametrize(
    ("masks", "complaint"),
    [
        ([], "^masks: is empty"),
        ([torch.ones(2, 2)], "^masks: number 0 is torch.float32; give bool"),
        ([torch.ones(2, 2) > 0, [[True]]], "^masks: number 1 is list; give bool"),
        (
            [torch.ones(2, 2) > 0, torch.ones(2, 3) > 0],
            r"^masks: number 1: has shape \(2, 3\); give \(2, 2\)",
        ),
    ],
)
def test_bad_masks_are_named(masks: list, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        fuse_masks(masks, 0.6)


@pytest.mark.parametrize("count", [255, 256, 300])
def test_hundreds_of_masks_are_counted_right(count: int) -> None:
    common, single = torch.eye(2, dtype=torch.bool)
    masks = [common | single, *[common] * (count - 1)]
    pruned, agnostic = fuse_masks(masks, 1.0)
    assert agnostic.tolist() == [True, False]
    assert pruned.tolist() == [False, True]
