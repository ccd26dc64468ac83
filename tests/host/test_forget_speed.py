"""SPEED against its equations, in float64."""

from typing import Any

import pytest
import torch
from forgetting import random
from torch import Tensor

WIDTH, OUT, NAMES = 12, 7, 3


@pytest.fixture(scope="module")
def speed(extension: Any) -> Any:
    return extension.module("benchmarks.forget.speed")


def constrained_least_squares(
    weight: Tensor, names: Tensor, anchors: Tensor, keep: Tensor, fixed: Tensor, ridge: float
) -> Tensor:
    """The ΔW with ΔW r = 0 for all kept r and ΔW k = 0 for all fixed k that is least in
    mean ‖(W + ΔW) c − W a‖² + γ ‖ΔW‖², as one problem in the directions that are left."""
    _, values, basis = torch.linalg.svd(torch.cat([keep, fixed]), full_matrices=True)
    left = basis[int((values > 1e-9).sum()) :].T
    whole = torch.eye(left.shape[1], dtype=torch.float64)
    rows = torch.cat([names @ left / len(names) ** 0.5, ridge**0.5 * whole])
    goals = torch.cat(
        [(anchors - names) @ weight.T / len(names) ** 0.5, whole @ left.T @ weight.T * 0]
    )
    return (left @ torch.linalg.lstsq(rows, goals).solution).T


@pytest.mark.parametrize("ridge", [0.05, 1.0, 30.0])
def test_the_edit_is_the_constrained_minimum(speed: Any, ridge: float) -> None:
    weight = random(OUT, WIDTH, seed=0)
    names, anchors = random(NAMES, WIDTH, seed=1), random(NAMES, WIDTH, seed=2)
    keep, fixed = random(4, WIDTH, seed=3), random(2, WIDTH, seed=4)
    seen = names.T @ names / NAMES
    moved = anchors.T @ names / NAMES - seen
    free = speed.null_space(keep.T @ keep / 4, 1e-9, relative=False)
    edit = speed.null_space_edit(weight, moved, seen, free, fixed, ridge, 0.0)
    wanted = constrained_least_squares(weight, names, anchors, keep, fixed, ridge)
    assert torch.allclose(edit, wanted, rtol=0, atol=1e-10)
    assert edit.norm() > 0.1


def test_the_invariance_is_the_papers_with_a_ridge(speed: Any) -> None:
    """With λ above 0, as the formula has it, K₂ may move a little."""
    weight, names, keep, fixed = (
        random(rows, WIDTH, seed=seed) for seed, rows in enumerate((OUT, NAMES, 4, 2))
    )
    seen = names.T @ names / NAMES
    free = speed.null_space(keep.T @ keep / 4, 1e-9, relative=False)
    edit = speed.null_space_edit(weight, -seen, seen, free, fixed, 0.7, 0.5)
    whole, k2 = torch.eye(WIDTH).double(), fixed.T
    m = torch.linalg.inv(seen @ free + 0.7 * whole)
    inner = torch.linalg.inv(k2.T @ free @ m @ k2 + 0.5 * torch.eye(2))
    wanted = weight @ -seen @ free @ (whole - m @ k2 @ inner @ k2.T @ free) @ m
    assert torch.allclose(edit, wanted, rtol=0, atol=1e-12)
    assert (edit @ k2).norm() > 1e-3


def test_the_null_space_is_below_the_threshold(speed: Any) -> None:
    axes = torch.diag(torch.tensor([4.0, 1.0, 0.3, 0.0]).double())
    for threshold, relative, free in ((0.5, False, 2), (0.5, True, 3), (1e-3, False, 1)):
        wanted = torch.diag(torch.tensor([0.0] * (4 - free) + [1.0] * free).double())
        assert torch.allclose(speed.null_space(axes, threshold, relative), wanted)


def test_filter_and_augmentation(speed: Any) -> None:
    weight, names, keep = (
        random(rows, WIDTH, seed=seed) for seed, rows in enumerate((OUT, NAMES, 9))
    )
    seen = names.T @ names / NAMES
    edit = weight @ -seen @ torch.linalg.inv(torch.eye(WIDTH) + seen)
    moves = (keep @ edit.T).norm(dim=1)
    passing = keep[moves > moves.mean()]
    refined = speed.refined_prior(weight, -seen, seen, keep, 5, True, torch.Generator())
    assert torch.equal(refined[: len(passing)], passing)
    drawn = refined[len(passing) :]
    assert 0 < len(drawn) < 5 * len(passing)
    weakest = torch.linalg.svd(weight, full_matrices=False).Vh[-1]
    across = torch.eye(WIDTH) - weakest.outer(weakest)
    for row in drawn:  # each a kept one, moved along the weakest direction alone
        assert (across @ (passing - row).T).norm(dim=0).min() < 1e-12
    assert torch.equal(
        speed.refined_prior(weight, -seen, seen, keep, 0, True, torch.Generator()), keep
    )


def test_texts_that_hold_a_name_are_not_kept(speed: Any) -> None:
    assert speed._holds_one("a Police car", ["police"])
    assert not speed._holds_one("carpet", ["car"])
