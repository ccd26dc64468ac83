"""Compare masks whose sensitivities differ only by rounding."""

from typing import Any

import torch

ROUNDING = 2e-3  # relative; a cosine near 0 loses digits in float32


def assert_same(one: Any, other: Any) -> None:
    """Two profiles agree in every bit."""
    assert (one.concept, one.settings, one.model) == (other.concept, other.settings, other.model)
    for name, layer in one.layers.items():
        assert torch.equal(layer.dense(), other.layers[name].dense()), name


def assert_same_except_at_ties(one: Any, other: Any, profile: Any) -> None:
    """Masks of one profile agree, save where a sensitivity is as good as equal to the threshold.

    Every weight that only one of the masks holds must have, in ``profile``, the sensitivity of the
    last weight that is chosen in its channel or in the whole layer.
    """
    assert one.layers.keys() == other.layers.keys()
    share = one.settings["spatial_sparsity"]
    for name, mask in one.layers.items():
        sensitivity = profile.layers[name].dense()
        differing = mask != other.layers[name]
        assert differing.sum() <= 0.02 * mask.sum() + 2, name
        of_layer = last_chosen(sensitivity.flatten(), share)
        for channel, weight in differing.nonzero().tolist():
            value = sensitivity[channel, weight]
            of_channel = last_chosen(sensitivity[channel], share)
            gap = min((value - of_layer).abs(), (value - of_channel).abs())
            assert gap <= ROUNDING * sensitivity.max(), (name, channel, weight)


def last_chosen(sensitivities: torch.Tensor, share: float) -> torch.Tensor:
    """The least of the sensitivities that are chosen, where ``share`` of them are."""
    return sensitivities.topk(max(1, int(share * len(sensitivities)))).values[-1]


def assert_close_sensitivities(one: Any, other: dict[str, torch.Tensor]) -> None:
    """A profile agrees with sensitivities that were computed in another way, within rounding."""
    for name, layer in one.layers.items():
        mine, theirs = layer.dense(), other[name]
        both = (mine > 0) & (theirs > 0)
        assert both.sum() >= 0.98 * (mine > 0).sum(), name
        close = torch.isclose(mine, theirs, rtol=1e-3, atol=1e-4)
        # a weight at the threshold of Eq. 3 may count at one step more or less
        assert close[both].float().mean() >= 0.99, name
