"""Layer names in diffusers; tests/host holds them against the host's own map."""

import pytest

from fia_core import diffusers_layer_name

LAYER = "transformer_blocks.0.ff.net.2"


@pytest.mark.parametrize(
    "name",
    ["double_blocks.0.img_mlp.2", "input_blocks.1.0.in_layers.2", f"input_blocks.1.1.{LAYER}\n"],
)
def test_other_layers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name: .* is no layer of a Stable Diffusion UNet"):
        diffusers_layer_name(name)
