"""OCE against its equations, in float64."""

from typing import Any

import pytest
import torch
from forgetting import random
from torch import Tensor

WIDTH, OUT = 10, 8


@pytest.fixture(scope="module")
def oce(extension: Any) -> Any:
    return extension.module("benchmarks.forget.oce")


def projector(weight: Tensor, states: Tensor) -> Tensor:
    """On the span of the unit vectors W c, by QR."""
    units = [weight @ state / (weight @ state).norm() for state in states]
    basis, _ = torch.linalg.qr(torch.stack(units, 1))
    return basis @ basis.T


@pytest.mark.parametrize("seed", [0, 1])
def test_the_rotation_is_the_papers(oce: Any, seed: int) -> None:
    weight = random(OUT, WIDTH, seed=seed)
    names, anchors, keep = (random(2, WIDTH, seed=10 * seed + i) for i in (1, 2, 3))
    captions = random(30, WIDTH, seed=4)
    moment = captions.T @ captions / 30
    m = -50.0 * projector(weight, names) @ (torch.eye(OUT) - projector(weight, anchors))
    for state in keep:
        m += 0.7 * (weight @ state).outer(weight @ state)
    m += 3.0 * weight @ moment @ weight.T + 2.0 * weight @ weight.T
    u, _, vt = torch.linalg.svd(m)
    wanted = u @ vt
    turn = oce.rotation(weight, names, anchors, keep, moment, (50.0, 0.7, 3.0, 2.0))
    assert torch.allclose(turn, wanted, rtol=0, atol=1e-10)
    assert torch.allclose(turn @ turn.T, torch.eye(OUT).double(), rtol=0, atol=1e-12)
    best = torch.trace(u.T @ m @ vt.T)  # no orthogonal matrix has a larger ⟨Q, M⟩
    assert torch.isclose((turn * m).sum(), best, rtol=1e-12)


def test_nothing_to_erase_turns_nothing(oce: Any) -> None:
    weight, names = random(6, WIDTH, seed=0), random(2, WIDTH, seed=1)
    moment = torch.eye(WIDTH).double()
    turn = oce.rotation(weight, names, names, names[:0], moment, (0.0, 0.0, 1.0, 1.0))
    assert torch.allclose(turn, torch.eye(6).double(), rtol=0, atol=1e-12)


def test_one_anchor_for_all_spans_one_direction(oce: Any) -> None:
    anchor = random(1, WIDTH, seed=0)
    wanted = anchor.T @ anchor / anchor.square().sum()
    assert torch.allclose(oce.span_projector(anchor.repeat(5, 1)), wanted, rtol=0, atol=1e-12)
