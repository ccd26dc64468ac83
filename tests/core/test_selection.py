"""Selection is exact, also where the sample of a long row misleads."""

import pytest
import torch

from fia_core.equations.selection import SAMPLED, kth_largest, top_places

LONG = 40_000


def rows() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(LONG, generator=generator)
    sampled = torch.zeros(LONG)
    sampled[::SAMPLED] = 1.0
    return {
        "heavy tails": normal.pow(3),
        "many ties": normal.abs().mul(4).round(),
        "mostly zero": normal.sub(1.5).clamp_min(0),
        "the sample holds the largest": normal.abs() + 9 * sampled,
        "the sample holds the smallest": normal.abs() - 9 * sampled,
    }


@pytest.mark.parametrize("name", rows())
@pytest.mark.parametrize("count", [1, 15, 400, 2000, 20_000, LONG])
def test_kth_largest_of_a_long_row(name: str, count: int) -> None:
    values = rows()[name]
    expected = values.sort(descending=True).values[count - 1].clamp_min(0)
    assert kth_largest(values[None], count).item() == expected.item()


@pytest.mark.parametrize("name", rows())
@pytest.mark.parametrize("count", [1, 400, 20_000, LONG])
def test_places_of_the_largest_go_to_the_first_of_ties(name: str, count: int) -> None:
    values = rows()[name].abs() + 1
    expected = values.sort(descending=True, stable=True).indices[:count].sort().values
    assert torch.equal(top_places(values, count), expected)
