"""The judges at work on pictures whose content is known."""

import pytest
import torch

from benchmarks.harness.judge import resized
from benchmarks.harness.registry import judge
from benchmarks.harness.shots import Shot

SHOTS = [Shot(name, "beach", "", "", 1) for name in ("cat", "nothing")]


def test_another_size_is_brought_to_the_judges() -> None:
    gradient = torch.linspace(0, 1, 160).expand(160, 160)[None, :, :, None].expand(1, 160, 160, 3)
    small = resized(gradient, 128)
    assert small.shape == (1, 128, 128, 3)
    assert torch.allclose(small[0, 64, :, 0], torch.linspace(0, 1, 128), atol=0.01)
    assert resized(small, 128) is small


@pytest.mark.parametrize("name", ["demo_objects", "transformer_objects"])
def test_an_empty_picture_shows_nothing_and_no_cat(name: str) -> None:
    for side in (128, 160):
        sky = torch.full((2, side, side, 3), 0.6)
        assert judge(name).load()(sky, SHOTS, None) == [0.0, 1.0]


def test_a_grey_gradient_is_in_no_style_of_glowing_lines() -> None:
    column = torch.linspace(0.3, 0.8, 128)[None, :, None, None].expand(1, 128, 128, 3)
    assert judge("demo_styles").load()(column, [Shot("", "beach", "neon", "", 1)], None) == [0.0]
