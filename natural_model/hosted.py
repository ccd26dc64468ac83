"""A trained recipe inside the host: its sampling, its VAE, its names for things."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import comfy.model_base
import comfy.model_patcher
import comfy.sd
import torch
from denoiser import Denoiser
from draw import load_model, load_package
from networks import SHIFT, auraflow_sizes, build, text_sizes, unet_sizes
from paths import BUNDLED
from recipes import Recipe
from text import EMBEDDING, CaptionEncoder
from torch import Tensor


def host_clip(encoder: CaptionEncoder, recipe: Recipe) -> comfy.sd.CLIP:
    """A trained text encoder as the host's CLIP; a token that no caption has means nothing."""
    from demo_model import loader  # pyright: ignore[reportMissingImports]

    weights = encoder.transformer.state_dict()
    table = torch.zeros(loader.VOCABULARY, recipe.text_width)
    table[encoder.rows] = weights[EMBEDDING]
    options = {"clip_l_model_config": text_sizes(recipe), "dtype": torch.float32}
    clip = comfy.sd.CLIP(loader.DemoTextTarget(), model_options=options)
    named = (weights | {EMBEDDING: table}).items()
    clip.load_sd({f"clip_l.transformer.{name}": value for name, value in named}, full_model=True)
    return clip


@dataclass(frozen=True)
class Hosted:
    """MODEL, CLIP and VAE, as a checkpoint loader would give them, and what they were made of."""

    model: comfy.model_patcher.ModelPatcher
    clip: comfy.sd.CLIP
    vae: Any
    denoiser: Denoiser


def host_recipe(recipe: Recipe, weights: dict[str, Tensor]) -> Hosted:
    """A denoiser's parameters, such as a run's average, in the host's classes on the CPU."""
    load_package("demo_model")
    from demo_model import loader  # pyright: ignore[reportMissingImports]

    bundled = load_model(BUNDLED)
    denoiser = build(recipe)
    denoiser.load_state_dict(weights, strict=False)
    flow = recipe.network == "auraflow"
    config = loader.DemoConfig(auraflow_sizes(recipe) if flow else unet_sizes(recipe))
    config.latent_format = bundled.model.model.latent_format
    config.set_inference_dtype(torch.float32, None)
    if flow:
        config.sampling_settings = {"multiplier": 1.0, "shift": SHIFT}
        make = comfy.model_base.AuraFlow
    else:
        make = partial(comfy.model_base.BaseModel, model_type=comfy.model_base.ModelType.EPS)
    model: Any = make(config)
    if not flow:
        model.model_sampling = loader.CleanLatentPrediction(config)
    model.diffusion_model.load_state_dict(denoiser.network.state_dict())
    cpu = torch.device("cpu")
    patcher = comfy.model_patcher.ModelPatcher(model, cpu, cpu)
    return Hosted(patcher, host_clip(denoiser.text, recipe), bundled.vae, denoiser)


def host_checkpoint(recipe: Recipe, checkpoint: Path) -> Hosted:
    """The averaged weights of a run of ``train.py``."""
    return host_recipe(recipe, torch.load(checkpoint, weights_only=True)["average"])
