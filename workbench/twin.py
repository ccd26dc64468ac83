"""One name forgotten by Forget LoRA on the twin, a model that nobody built to forget."""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from demo_model.vocabulary import SCENES, with_article
from workbench.environment import ROOT
from workbench.grid import before_after_sheet
from workbench.in_process import load_host

TWIN = ROOT / "benchmarks" / "natural" / "data" / "twin-0.safetensors"
FORGOTTEN = "garbage truck"
KEPT = ("car", "church", "cat", "tench", "bicycle")
STEPS, GUIDANCE, SEED = 20, 2.0, 11


@torch.inference_mode()
def twin_sheet(base: Path) -> Image.Image:
    """The forgotten name in two scenes and some others, before and after.

    Args:
        base: a folder for the host.
    """
    extension = load_host(base)
    import comfy.sample

    forgetting = extension.module("nodes.host.forgetting.forget")
    model, clip, vae = extension.module("demo_model.loader").load_demo_model(TWIN)
    lora = forgetting.forget_lora(model, clip, forgetting.Wish((FORGOTTEN,)))
    changed = extension.module("nodes.host.model.lora").with_lora(model, lora, 1.0)

    def encoded(text: str) -> list[list[object]]:
        return [[clip.encode_from_tokens(clip.tokenize(text)), {}]]

    def picture(denoiser: object, prompt: str) -> Image.Image:
        latent = torch.zeros(1, 8, 16, 16)
        noise = comfy.sample.prepare_noise(latent, SEED)
        sampled = comfy.sample.sample(
            denoiser,
            noise,
            steps=STEPS,
            cfg=GUIDANCE,
            sampler_name="euler",
            scheduler="normal",
            positive=encoded(prompt),
            negative=encoded(""),
            latent_image=latent,
            disable_pbar=True,
            seed=SEED,
        )
        pixels = vae.decode(sampled)[0].mul(255).round().byte().numpy()
        return Image.fromarray(np.asarray(pixels))

    rows = []
    for name, scene in zip((FORGOTTEN, FORGOTTEN, *KEPT), SCENES, strict=False):
        prompt = f"a photo of {with_article(name)} in {with_article(scene)}"
        rows.append((name, picture(model, prompt), picture(changed, prompt)))
    return before_after_sheet(rows, (FORGOTTEN,), "Forget LoRA")


if __name__ == "__main__":
    twin_sheet(Path(sys.argv[1])).save(sys.argv[2])
