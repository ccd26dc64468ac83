"""Double Projections against its equations, in float64."""

from typing import Any

import pytest
import torch
from forgetting import random

WIDTH, OUT = 12, 7


@pytest.fixture(scope="module")
def module(extension: Any) -> Any:
    return extension.module("benchmarks.forget.double_projections")


@pytest.mark.parametrize("anchors", [1, 3])
def test_the_edit_is_the_papers_token_after_token(module: Any, anchors: int) -> None:
    weight = random(OUT, WIDTH, seed=0)
    tokens, goals, keep = (random(rows, WIDTH, seed=rows + 1) for rows in (4, anchors, 5))
    u2 = module.free_directions(keep, 1e-6)
    now = weight.clone()
    for c in tokens:
        s = goals.T
        proxy = goals[0] if anchors == 1 else s @ torch.linalg.inv(s.T @ s) @ s.T @ c
        x = u2.T @ c
        now = now + now @ (proxy - c).outer(x) @ u2.T / x.norm() ** 2
    matrix = module.edit_matrix(tokens, goals, u2)
    assert torch.allclose(weight + weight @ matrix, now, rtol=0, atol=1e-9)


def test_kept_tokens_stay_and_a_name_reads_as_its_anchor(module: Any) -> None:
    weight = random(OUT, WIDTH, seed=0)
    token, goal, keep = (random(rows, WIDTH, seed=9 + rows) for rows in (1, 2, 5))
    u2 = module.free_directions(keep, 1e-6)
    changed = weight + weight @ module.edit_matrix(token, goal, u2)
    proxy = torch.linalg.pinv(goal) @ goal @ token[0]
    assert torch.allclose(changed @ token[0], weight @ proxy, rtol=0, atol=1e-10)
    assert torch.allclose(changed @ keep.T, weight @ keep.T, rtol=0, atol=1e-10)


def test_a_higher_cut_frees_the_weakest_directions(module: Any) -> None:
    keep = torch.diag(torch.tensor([1.0, 0.2, 0.01]).double())
    assert module.free_directions(keep, 1e-6).shape == (3, 0)
    assert module.free_directions(keep, 0.1).shape == (3, 1)
    assert module.free_directions(keep[:0], 0.1).shape == (3, 3)
