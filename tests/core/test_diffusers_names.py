"""Layer names in diffusers; tests/host holds them against the host's own map."""

import pytest

from fia_core import diffusers_layer_name

LAYER = "transformer_blocks.0.ff.net.2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("input_blocks.1.1", "down_blocks.0.attentions.0"),
        ("input_blocks.8.1", "down_blocks.2.attentions.1"),
        ("middle_block.1", "mid_block.attentions.0"),
        ("output_blocks.3.1", "up_blocks.1.attentions.0"),
        ("output_blocks.11.1", "up_blocks.3.attentions.2"),
    ],
)
def test_blocks_are_counted_by_stage(name: str, expected: str) -> None:
    assert diffusers_layer_name(f"diffusion_model.{name}.{LAYER}") == f"{expected}.{LAYER}"
    assert diffusers_layer_name(f"{name}.{LAYER}") == f"{expected}.{LAYER}"


def test_shallower_stages_are_counted_by_their_layers() -> None:
    found = diffusers_layer_name(f"input_blocks.3.1.{LAYER}", layers_per_block=1)
    assert found == f"down_blocks.1.attentions.0.{LAYER}"


@pytest.mark.parametrize(
    "name",
    ["double_blocks.0.img_mlp.2", "input_blocks.1.0.in_layers.2", f"input_blocks.1.1.{LAYER}\n"],
)
def test_other_layers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name: .* is no layer of a Stable Diffusion UNet"):
        diffusers_layer_name(name)
