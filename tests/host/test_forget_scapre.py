"""ScaPre against its equations, in float64."""

from math import log
from typing import Any

import pytest
import torch
from forgetting import random

WIDTH, OUT = 10, 6
EPS = 1e-8


@pytest.fixture(scope="module")
def scapre(extension: Any) -> Any:
    return extension.module("benchmarks.forget.scapre")


def test_the_edit_is_the_least_of_its_squares(scapre: Any) -> None:
    """Row i asks: λ‖w − w₀‖² + Σ (w c)² + s Σ ‖C w − m A w₀‖², solved as one problem."""
    weight, names = random(OUT, WIDTH, seed=0), random(2, WIDTH, seed=1)
    pairs = [(random(4, WIDTH, seed=2), random(4, WIDTH, seed=3)) for _ in names]
    masks = [random(OUT, seed=4 + i).sigmoid() for i in range(2)]
    edit = scapre.masked_edit(weight, names, pairs, masks, 1.5, 0.5)
    for row in range(OUT):
        inputs = [0.5**0.5 * torch.eye(WIDTH, dtype=torch.float64), names]
        goals = [0.5**0.5 * weight[row], torch.zeros(2)]
        for (concept, anchor), mask in zip(pairs, masks, strict=True):
            inputs.append(1.5**0.5 * concept)
            goals.append(1.5**0.5 * mask[row] * (anchor @ weight[row]))
        wanted = torch.linalg.lstsq(torch.cat(inputs), torch.cat(goals)[:, None]).solution[:, 0]
        assert torch.allclose(edit[row], wanted, rtol=0, atol=1e-10)


def mutual_information(high: list[bool], is_name: list[bool]) -> float:
    """Of two yes-or-no questions over the same samples, in nats, counts at least 1e-8."""
    total = 0.0
    count = {
        (a, b): sum(x == a and y == b for x, y in zip(high, is_name, strict=True)) + EPS
        for a in (True, False)
        for b in (True, False)
    }
    n = len(high)
    for a, b in count:
        joint = count[a, b] / n
        first = (count[a, True] + count[a, False]) / n
        second = (count[True, b] + count[False, b]) / n
        total += joint * log(joint / (first * second))
    return total


def test_a_mask_is_of_the_standardised_mutual_information(scapre: Any) -> None:
    name, nothing = random(5, OUT, seed=0), random(5, OUT, seed=1)
    name[:, 0] += 9  # one output tells the name for sure
    information = []
    for output in torch.cat([name, nothing]).T.tolist():
        median = sorted(output)[4]  # the lower of the two in the middle
        information.append(
            mutual_information([value > median for value in output], [True] * 5 + [False] * 5)
        )
    values = torch.tensor(information, dtype=torch.float64)
    z = (values - values.mean()) / (values.std() + EPS)
    wanted = torch.sigmoid(z / 0.7) ** 2
    assert torch.allclose(scapre.row_mask(name, nothing, 2.0), wanted, rtol=0, atol=1e-10)
    assert wanted.argmax() == 0 and wanted.std() > 0.1


def test_certainty_is_what_the_entropy_leaves(scapre: Any) -> None:
    outputs = torch.stack([torch.arange(20.0), torch.tensor([0.0] * 19 + [1.0])], 1).double()
    peak = -(0.95 * log(0.95) + 0.05 * log(0.05))
    wanted = torch.tensor([0.0, 1 - peak / log(20)], dtype=torch.float64)
    assert torch.allclose(scapre.certainty(outputs), wanted, rtol=0, atol=1e-6)
