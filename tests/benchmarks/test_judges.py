"""The judges at work on pictures whose content is known."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from benchmarks.harness.judge import resized
from benchmarks.harness.registry import judge
from benchmarks.harness.shots import Shot
from benchmarks.judges.networks.transformer import load_transformer
from demo_model.training.scenes import paint_scene
from demo_model.vocabulary import OBJECTS, SCENES, STYLES

SHOTS = [Shot(name, "beach", "", "", 1) for name in ("cat", "nothing")]


def as_picture(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).float() / 255


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


@pytest.mark.parametrize("name", ["demo_styles", "transformer_styles"])
def test_a_grey_gradient_is_in_no_style_of_glowing_lines(name: str) -> None:
    column = torch.linspace(0.3, 0.8, 128)[None, :, None, None].expand(1, 128, 128, 3)
    assert judge(name).load()(column, [Shot("", "beach", "neon", "", 1)], None) == [0.0]


def test_a_blob_on_a_bare_scene_is_something() -> None:
    rng = np.random.default_rng(1)
    bare = torch.stack([as_picture(paint_scene(scene, rng, 128)) for scene in SCENES])
    down, across = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    blob = (down - 70).square() + (across - 64).square() < 30**2
    with_blob = torch.where(blob[..., None], torch.tensor([0.8, 0.1, 0.6]), bare)
    look = judge("presence").load()
    assert sum(look(bare, SHOTS, None)) <= 1
    assert sum(look(with_blob, SHOTS, None)) >= len(SCENES) - 1


def test_the_second_judge_refuses_other_sizes() -> None:
    network = load_transformer(tuple(OBJECTS), STYLES)
    with pytest.raises(ValueError, match=r"shape \(N, 128, 128, 3\), not \(1, 96, 96, 3\)"):
        network.name_objects(torch.zeros(1, 96, 96, 3))


def test_pixel_distance_is_the_mean_difference() -> None:
    before = torch.zeros(2, 4, 4, 3)
    after = before.clone()
    after[1, :2] = 0.5
    look = judge("pixel_distance").load()
    assert look(after, SHOTS, before) == pytest.approx([0.0, 0.25])
    with pytest.raises(ValueError, match="before: is None; give the base model's pictures"):
        look(after, SHOTS, None)
