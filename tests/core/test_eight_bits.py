"""Weights that a file keeps in 8 bits."""

import torch

from demo_model.eight_bits import SCALE, packed, unpacked


def test_a_weight_comes_back_within_half_a_scale() -> None:
    torch.manual_seed(0)
    weights = {
        "matrix": torch.randn(6, 10) * torch.logspace(-4, 2, 6)[:, None],
        "kernel": torch.randn(4, 3, 3, 3),
        "bias": torch.randn(6),
        "silent": torch.zeros(2, 5),
    }
    in_file = packed(weights)
    assert {name: in_file[name].dtype for name in ("matrix", "bias")} == {
        "matrix": torch.int8,
        "bias": torch.half,
    }
    back = unpacked(in_file)
    assert set(back) == set(weights)
    for name in ("matrix", "kernel", "silent"):
        scales = in_file[name + SCALE].float()
        error = (back[name].float() - weights[name]).flatten(1).abs().amax(1)
        assert (error <= 0.55 * scales).all(), name  # half a scale, and float16's own rounding
    assert torch.equal(back["bias"], weights["bias"].half())


def test_weights_that_were_never_packed_stay_as_they_are() -> None:
    weights = {"matrix": torch.randn(2, 3).half(), "ids": torch.arange(3)}
    assert unpacked(weights) == weights
