"""Draw with a saved neuron mask in plain diffusers; ComfyUI is not needed, only ``fia_core``.

    pip install diffusers transformers
    python3 docs/diffusers_mask.py MASK PIPELINE PROMPT

MASK is a file of Save Neuron Mask, PIPELINE the folder or name of the same model in diffusers'
form (Stable Diffusion 1.x, 2.x or XL). Writes ``picture.png``.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline, UNet2DConditionModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fia_core import NeuronMask, diffusers_layer_name


def forget(unet: UNet2DConditionModel, mask: NeuronMask, strength: float = 1.0) -> None:
    """Multiply the masked weights by 1 − ``strength``, in place.

    Raises:
        ValueError: the mask is of no UNet.
        AttributeError, IndexError: the UNet lacks a layer of the mask, or has it in another size.
    """
    for name, pruned in mask.layers.items():
        layer = diffusers_layer_name(name, unet.config["layers_per_block"])
        weight = unet.get_parameter(f"{layer}.weight").data
        weight[pruned.to(weight.device)] *= 1 - strength


if __name__ == "__main__":
    mask_file, pipeline_name, prompt = sys.argv[1:]
    pipeline: Any = DiffusionPipeline.from_pretrained(pipeline_name)
    pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
    forget(pipeline.unet, NeuronMask.load(mask_file))
    pipeline(prompt).images[0].save("picture.png")
