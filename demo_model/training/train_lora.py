"""Train the LoRA that suite transfer loads: watercolour without the word, by the host's own nodes.

    python3 demo_model/training/train_lora.py

The bundled model draws objects "in the style of watercolor"; Train LoRA learns these pictures for
the prompts without the style. Scenes and seeds are none that the suite asks for. The host draws the
LoRA's first weights without a seed, so another run gives another LoRA: the file is kept in git.
"""

import asyncio
import shutil
import sys
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from workbench.environment import ENVIRONMENT, run_in_environment  # noqa: E402

STYLE = "watercolor"
SCENES = ("park", "forest", "room", "city")
FIRST_SEED = 2000
TRAINING = {
    "batch_size": 4,
    "grad_accumulation_steps": 1,
    "steps": 200,
    "learning_rate": 1e-3,
    "rank": 2,
    "optimizer": "AdamW",
    "loss_function": "MSE",
    "seed": FIRST_SEED,
    "training_dtype": "fp32",
    "lora_dtype": "bf16",
    "algorithm": "LoRA",
    "gradient_checkpointing": False,
    "existing_lora": "[None]",
}


async def train(base: Path) -> Path:
    """The file that the host saves."""
    from workbench.console import ProgressLine
    from workbench.server import running_server

    async with running_server(base) as server:
        with ProgressLine("LoRA", 1) as line:
            await server.run(training_graph(), line)
    return next((base / "output").rglob("*.safetensors"))


def training_graph() -> dict[str, Any]:
    """Two pictures of every object of the model's vocabulary, and the training on them."""
    from benchmarks.harness.sampling import DEMO
    from demo_model.vocabulary import OBJECTS, with_article

    nodes: dict[str, Any] = {"demo": {"class_type": "FIADemoModel", "inputs": {}}}
    model, clip = ["demo", 0], ["demo", 1]

    def add(class_type: str, **inputs: Any) -> list[Any]:
        name = f"{class_type} {len(nodes)}"
        nodes[name] = {"class_type": class_type, "inputs": inputs}
        return [name, 0]

    empty = add("EmptyLatentImage", width=DEMO.width, height=DEMO.height, batch_size=1)
    nothing = add("CLIPTextEncode", clip=clip, text="")
    latents: Any = None
    captions: Any = None
    for seed, (take, name) in enumerate(product(range(2), OBJECTS), FIRST_SEED):
        scene = SCENES[(seed + take) % len(SCENES)]
        caption = f"{with_article(name)} in {with_article(scene)}"
        latent = add(
            "KSampler",
            model=model,
            positive=add("CLIPTextEncode", clip=clip, text=f"{caption} in the style of {STYLE}"),
            negative=nothing,
            latent_image=empty,
            seed=seed,
            steps=DEMO.steps,
            cfg=DEMO.cfg,
            sampler_name=DEMO.sampler_name,
            scheduler=DEMO.scheduler,
            denoise=DEMO.denoise,
        )
        plain = add("CLIPTextEncode", clip=clip, text=caption)
        latents = add("LatentBatch", samples1=latents, samples2=latent) if latents else latent
        captions = (
            add("ConditioningCombine", conditioning_1=captions, conditioning_2=plain)
            if captions
            else plain
        )
    one_by_one = add("RebatchLatents", latents=latents, batch_size=1)
    trained = add("TrainLoraNode", model=model, latents=one_by_one, positive=captions, **TRAINING)
    add("SaveLoRA", lora=[trained[0], 1], prefix="loras/watercolor", steps=[trained[0], 3])
    return nodes


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)

    from benchmarks.harness.sampling import LORA
    from workbench.server import end_on_signals

    end_on_signals()
    base = ENVIRONMENT / "benchmarks" / "train-lora"
    shutil.rmtree(base, ignore_errors=True)
    made = asyncio.run(train(base))
    LORA.parent.mkdir(exist_ok=True)
    shutil.move(made, LORA)
    print(f"{LORA.relative_to(ROOT)}: {LORA.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
