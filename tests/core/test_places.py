"""Layers get short names, in the order in which the data runs through the model."""

import pytest

from fia_core import layer_places


def unet(place: str) -> str:
    return f"diffusion_model.{place}.transformer_blocks.{{}}.ff.net.2"


def test_a_unets_layers_are_ordered_by_part_block_and_layer() -> None:
    blocks = {"output_blocks.3.1": 1, "input_blocks.10.1": 1, "middle_block.1": 2}
    blocks |= {"input_blocks.4.1": 11}
    names = [unet(block).format(layer) for block, count in blocks.items() for layer in range(count)]
    places = layer_places(sorted(names))
    labels = [place.label for place in places.values()]
    assert labels == [*(f"in 4.{n}" for n in range(11)), "in 10.0", "mid.0", "mid.1", "out 3.0"]
    blocks_in_order = list(dict.fromkeys(place.block for place in places.values()))
    assert blocks_in_order == ["in 4", "in 10", "mid", "out 3"]
    assert places[unet("middle_block.1").format(1)].label == "mid.1"


def test_where_no_block_has_several_layers_they_are_called_as_their_blocks() -> None:
    names = [unet(block).format(0) for block in ("output_blocks.3.1", "input_blocks.1.1")]
    assert [place.label for place in layer_places(names).values()] == ["in 1", "out 3"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["blocks.2.ff.net.2", "blocks.10.ff.net.2"], ["2", "10"]),  # their own order
        (["double.0.mlp", "single.1.mlp"], ["double.0", "single.1"]),
        (["joint.ff.net.2"], ["net.2"]),
        (["a", "a.b"], ["a", "b"]),
        (
            [f"double_blocks.{n}.{stream}_mlp.2" for n in (9, 10) for stream in ("img", "txt")],
            ["9.img", "9.txt", "10.img", "10.txt"],
        ),
        (
            [f"joint_blocks.{block}.mlp.fc2" for block in ("0.context_block", "0.x_block")],
            ["txt", "img"],
        ),
        (
            [f"{layer}.c_proj" for layer in ("double_layers.0.mlpC", "single_layers.0.mlp")],
            ["d.0.txt", "s.0.mlp"],
        ),
        # Two attentions of one UNet block: the short names would be the same.
        (
            [unet("input_blocks.4.1").format(0), unet("input_blocks.4.2").format(0)],
            ["1", "2"],
        ),
    ],
)
def test_other_names_lose_what_they_share(names: list[str], labels: list[str]) -> None:
    places = layer_places(names)
    assert list(places) == names
    assert [place.label for place in places.values()] == labels
    assert [place.block for place in places.values()] == labels
