"""NAG against its equations, and in the host's own attention."""

from typing import Any

import pytest
import torch
from forgetting import random


@pytest.fixture(scope="module")
def nag(extension: Any) -> Any:
    return extension.module("benchmarks.forget.nag")


def test_the_guidance_is_the_papers_token_by_token(nag: Any) -> None:
    positive, negative = random(2, 5, 6, seed=0), random(2, 5, 6, seed=1)
    found = nag.normalized_attention(positive, negative, 4.0, 5.0, 0.3)
    ratios = []
    for row in range(2):
        for token in range(5):
            plus, minus = positive[row, token], negative[row, token]
            away = 4.0 * plus - 3.0 * minus
            ratio = away.abs().sum() / plus.abs().sum()
            wanted = 0.3 * away * min(ratio, 5.0) / ratio + 0.7 * plus
            assert torch.allclose(found[row, token], wanted, rtol=0, atol=1e-12)
            ratios.append(float(ratio))
    assert min(ratios) < 5.0 < max(ratios)


def test_scale_1_is_the_plain_attention(nag: Any) -> None:
    positive = random(1, 3, 4, seed=0)
    found = nag.normalized_attention(positive, random(1, 3, 4, seed=1), 1.0, 2.5, 0.25)
    assert torch.allclose(found, positive, rtol=0, atol=1e-15)
