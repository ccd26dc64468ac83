"""Names of a Stable Diffusion UNet's layers in diffusers, for masks that leave ComfyUI."""

import re

LAYERS_PER_BLOCK = 2
"""Residual layers of a down block in Stable Diffusion 1.x, 2.x and XL."""

_LAYER = re.compile(
    r"(?:diffusion_model\.)?(?:(input_blocks|output_blocks)\.(\d+)\.1|middle_block\.1)"
    r"\.(transformer_blocks\.\d+\..+)",
    re.ASCII,
)


def diffusers_layer_name(name: str, layers_per_block: int = LAYERS_PER_BLOCK) -> str:
    """The name that a transformer's layer has in diffusers' ``UNet2DConditionModel``.

    ``diffusion_model.input_blocks.1.1.transformer_blocks.0.ff.net.2`` is
    ``down_blocks.0.attentions.0.transformer_blocks.0.ff.net.2`` there. The original counts all
    blocks of the way down (after one convolution) and up; diffusers counts stages, and within a
    stage its ``layers_per_block`` layers and the layer that changes the size (down) or takes the
    skip connection of that one (up).

    Args:
        name: in the original UNet, as in ``NeuronMask.layers``.
        layers_per_block: of the diffusers model's configuration.

    Raises:
        ValueError: no layer of a transformer block of such a UNet.
    """
    match = _LAYER.fullmatch(name)
    if match is None:
        raise ValueError(
            f"name: {name!r} is no layer of a Stable Diffusion UNet's transformer blocks; only "
            "masks of SD 1.x, 2.x and XL have names in diffusers' UNet."
        )
    part, number, layer = match.groups()
    if part is None:
        return f"mid_block.attentions.0.{layer}"
    down = part == "input_blocks"
    stage, place = divmod(int(number) - down, layers_per_block + 1)
    return f"{'down' if down else 'up'}_blocks.{stage}.attentions.{place}.{layer}"
