"""Pictures of a finished model through the host's own sampling."""

from pathlib import Path
from typing import Any

import comfy.sample
import torch
from comfy.samplers import CFGGuider, calculate_sigmas, sampler_object
from PIL import Image
from torch import Tensor

from demo_model.loader import DemoModel, load_demo_model
from demo_model.vocabulary import OBJECTS, SCENES, STYLES, with_article

STEPS, GUIDANCE = 20, 4.0
AT_ONCE = 20  # pictures


@torch.no_grad()
def draw(demo: DemoModel, prompts: list[str], seed: int) -> Tensor:
    """Pictures of the prompts, (B, 128, 128, 3) float32 in [0, 1]; row i starts from the noise of
    seed + i. All prompts fit into the text encoder's 24 tokens."""

    def encode(text: str) -> Tensor:
        context: Any = demo.clip.encode_from_tokens(demo.clip.tokenize(text))
        return context

    sampling: Any = demo.model.get_model_object("model_sampling")
    sigmas = calculate_sigmas(sampling, "normal", STEPS)
    pictures = []
    for start in range(0, len(prompts), AT_ONCE):
        part = prompts[start : start + AT_ONCE]
        latent = torch.zeros(len(part), 8, 16, 16)
        noise: list[Any] = [
            comfy.sample.prepare_noise(latent[:1], seed + start + row) for row in range(len(part))
        ]
        guided = CFGGuider(demo.model)
        guided.set_conds([[torch.cat([encode(text) for text in part]), {}]], [[encode(""), {}]])
        guided.set_cfg(GUIDANCE)
        sampler = sampler_object("euler")
        sampled = guided.sample(torch.cat(noise), latent, sampler, sigmas, disable_pbar=True)
        pictures.append(demo.vae.decode(sampled))
    return torch.cat(pictures)


def grid(pictures: Tensor, columns: int) -> Image.Image:
    """Pictures side by side, row after row."""
    rows = [torch.cat(list(row), 1) for row in pictures.split(columns)]
    return Image.fromarray(torch.cat(rows).mul(255).round().byte().numpy())


def fixed_prompts() -> list[str]:
    """Every object in a scene, ten pairs, ten styled pictures, every scene."""
    objects, scenes = [with_article(name) for name in OBJECTS], [with_article(it) for it in SCENES]
    single = [f"a photo of {name} in {scenes[i % 10]}" for i, name in enumerate(objects)]
    pairs = [
        f"{first} and {second} in {scene}"
        for first, second, scene in zip(objects[:10], objects[:9:-1], scenes, strict=True)
    ]
    styled = [
        f"{name} in {scenes[i]} in the style of {STYLES[i % 4]}"
        for i, name in enumerate(objects[::2])
    ]
    return [*single, *pairs, *styled, *scenes]


def save_grid(file: Path) -> Path:
    """Draw the fixed prompts with a model's file; the PNG is beside it."""
    out = file.with_suffix(".png")
    grid(draw(load_demo_model(file), fixed_prompts(), seed=1000), columns=10).save(out)
    return out
