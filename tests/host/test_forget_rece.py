"""RECE against its equations, in float64."""

from typing import Any

import pytest
import torch
from forgetting import random

WIDTH = 8


@pytest.fixture(scope="module")
def rece(extension: Any) -> Any:
    return extension.module("benchmarks.forget.rece")


def test_what_still_means_a_name_is_the_least_of_its_squares(rece: Any) -> None:
    """c′ asks: Σ ‖Ŵ c′ − W c‖² + λ ‖c′‖² over the layers, solved as one problem."""
    layers = [random(rows, WIDTH, seed=rows) for rows in (3, 5, 6)]
    edit = torch.eye(WIDTH).double() + 0.3 * random(WIDTH, WIDTH, seed=0)
    state = random(WIDTH, seed=1)
    inputs = [*(weight @ edit for weight in layers), 0.2**0.5 * torch.eye(WIDTH).double()]
    goals = [*(weight @ state for weight in layers), torch.zeros(WIDTH).double()]
    wanted = torch.linalg.lstsq(torch.cat(inputs), torch.cat(goals)[:, None]).solution[:, 0]
    found = rece.meaning(rece.sum_of_squares(layers), edit, 0.2) @ state
    assert torch.allclose(found, wanted, rtol=0, atol=1e-10)
