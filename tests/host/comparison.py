"""Compare masks whose sensitivities differ only by rounding."""

from typing import Any

import torch

ROUNDING = 2e-3  # relative; a cosine near 0 loses digits in float32


def assert_same_except_at_ties(one: Any, other: Any, profile: Any) -> None:
    """Masks of one profile agree, save where two sensitivities are as good as equal.

    Every weight that only one of the masks holds must have, in ``profile``, the sensitivity of the
    weight that the other mask holds instead.
    """
    assert one.layers.keys() == other.layers.keys()
    for name, mask in one.layers.items():
        sensitivity = profile.layers[name].dense()
        differing = mask != other.layers[name]
        assert differing.sum() <= 0.02 * mask.sum() + 2, name
        chosen = sensitivity[mask & ~differing]
        for value in sensitivity[differing]:
            nearest = (chosen - value).abs().min()
            assert nearest <= ROUNDING * sensitivity.max(), name


def assert_close_sensitivities(one: Any, other: dict[str, torch.Tensor]) -> None:
    """A profile agrees with sensitivities that were computed in another way, but for rounding."""
    for name, layer in one.layers.items():
        mine, theirs = layer.dense(), other[name]
        both = (mine > 0) & (theirs > 0)
        assert both.sum() >= 0.98 * (mine > 0).sum(), name
        close = torch.isclose(mine, theirs, rtol=1e-3, atol=1e-4)
        # a weight at the threshold of Eq. 3 may count at one step more or less
        assert close[both].float().mean() >= 0.99, name
