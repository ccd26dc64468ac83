"""Pictures of the finished model through the host's own sampling, and a grid of fixed prompts.

FIA_HOST=… python draw.py --weights ../weights.safetensors --out grid.png
"""

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from host import use_host
from PIL import Image
from torch import Tensor

use_host()
import comfy.sample  # noqa: E402
from comfy.samplers import CFGGuider, calculate_sigmas, sampler_object  # noqa: E402
from vocabulary import OBJECTS, SCENES, STYLES, with_article  # noqa: E402

STEPS, GUIDANCE = 20, 4.0
AT_ONCE = 50  # pictures


def load_package(name: str) -> ModuleType:
    """A package of this repository by its folder's name, without putting the root on the path.

    The root holds a folder ``nodes`` that would hide the host's module of that name.
    """
    if name not in sys.modules:
        folder = Path(__file__).parents[2] / name
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def load_model(weights: Path) -> Any:
    """MODEL, CLIP and VAE of a weights file, as the Demo Model node gives them."""
    load_package("demo_model")
    from demo_model.loader import load_demo_model  # pyright: ignore[reportMissingImports]

    return load_demo_model(weights)


@torch.no_grad()
def draw(demo: Any, prompts: list[str], seed: int) -> Tensor:
    """Pictures of the prompts, (B, 128, 128, 3) float32 in [0, 1]; row i starts from the noise of
    seed + i."""

    def encode(text: str) -> Tensor:
        return demo.clip.encode_from_tokens(demo.clip.tokenize(text))

    pictures = torch.empty(len(prompts), 128, 128, 3)
    contexts, unwanted = [encode(text) for text in prompts], encode("")
    sampling = demo.model.get_model_object("model_sampling")
    sigmas = calculate_sigmas(sampling, "normal", STEPS)
    rows_of_length: dict[int, list[int]] = {}  # long texts have more tokens
    for row, context in enumerate(contexts):
        rows_of_length.setdefault(context.shape[1], []).append(row)
    for rows in rows_of_length.values():
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            latent = torch.zeros(len(part), 8, 16, 16)
            noise: list[Any] = [comfy.sample.prepare_noise(latent[:1], seed + row) for row in part]
            positive = [[torch.cat([contexts[row] for row in part]), {}]]
            guided = CFGGuider(demo.model)
            guided.set_conds(positive, [[unwanted, {}]])
            guided.set_cfg(GUIDANCE)
            sampled = guided.sample(
                torch.cat(noise), latent, sampler_object("euler"), sigmas, disable_pbar=True
            )
            pictures[part] = demo.vae.decode(sampled)
    return pictures


def grid(pictures: Tensor, columns: int) -> Image.Image:
    """Pictures side by side, row after row."""
    rows = [torch.cat(list(row), 1) for row in pictures.split(columns)]
    return Image.fromarray(torch.cat(rows).mul(255).round().byte().numpy())


def fixed_prompts() -> list[str]:
    """Every object in two scenes, ten pairs, ten styled pictures, every scene."""
    objects, scenes = list(OBJECTS), list(SCENES)
    single = [
        f"a photo of {with_article(o)} in {with_article(scenes[i % 10])}"
        for i, o in enumerate(objects)
    ]
    again = [
        f"{with_article(o)} in {with_article(scenes[(i + 3) % 10])}" for i, o in enumerate(objects)
    ]
    pairs = [
        f"{with_article(first)} and {with_article(second)} in {with_article(scene)}"
        for first, second, scene in zip(objects[:10], objects[:9:-1], scenes, strict=True)
    ]
    styled = [
        f"{with_article(name)} in {with_article(scenes[i])} in the style of {STYLES[i % 4]}"
        for i, name in enumerate(objects[::2])
    ]
    return single + again + pairs + styled + [with_article(scene) for scene in scenes]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    grid(draw(load_model(arguments.weights), fixed_prompts(), seed=1000), columns=10).save(
        arguments.out
    )
