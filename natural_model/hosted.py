"""A trained recipe inside the host: as a file that the Demo Model's loader reads, and loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import comfy.model_patcher
import comfy.sd
import torch
from denoiser import Denoiser
from draw import load_model
from export import save_model
from networks import auraflow_sizes, build, text_sizes, unet_sizes
from recipes import Recipe
from torch import Tensor


@dataclass(frozen=True)
class Hosted:
    """MODEL, CLIP and VAE, as a checkpoint loader would give them, and what they were made of."""

    model: comfy.model_patcher.ModelPatcher
    clip: comfy.sd.CLIP
    vae: Any
    denoiser: Denoiser


def export_recipe(
    recipe: Recipe,
    weights: dict[str, Tensor],
    out: Path,
    dtype: torch.dtype = torch.half,
    notes: Mapping[str, object] = {},
) -> Denoiser:
    """Write a denoiser's parameters, such as a run's average; the autoencoder is the bundled one.

    Args:
        recipe: of the denoiser, which is returned.
        weights: by their names in it.
        out: the file, for ``demo_model/loader.py``.
        dtype: of all weights in the file; int8 for `eight_bits.packed`.
        notes: for its metadata, such as the samples that it has seen.
    """
    denoiser = build(recipe)
    denoiser.load_state_dict(weights, strict=False)
    sizes = auraflow_sizes(recipe) if recipe.network == "auraflow" else unet_sizes(recipe)
    metadata = {name: str(value) for name, value in notes.items()} | {
        "network": recipe.network,
        "denoiser": json.dumps(sizes),
        "text_encoder": json.dumps(text_sizes(recipe)),
    }
    save_model(out, denoiser, {}, metadata, dtype)
    return denoiser


def host_recipe(recipe: Recipe, weights: dict[str, Tensor]) -> Hosted:
    """A denoiser's parameters in the host's classes, the denoiser's in float32."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        denoiser = export_recipe(recipe, weights, file, torch.float32)
        model, clip, vae = load_model(file)
        return Hosted(model, clip, vae, denoiser)


def host_checkpoint(recipe: Recipe, checkpoint: Path) -> Hosted:
    """The averaged weights of a run of ``train.py``."""
    return host_recipe(recipe, torch.load(checkpoint, weights_only=True)["average"])
