"""Write a checkpoint as a diffusers pipeline folder, which public evaluation packages load by path.

    python3 tools/to_diffusers.py erased_00001_.safetensors erased_pipeline

The checkpoint is what the workflow export_erased_checkpoint writes, or any of Stable Diffusion
1.x. For Stable Diffusion 2.x, name a pipeline folder of that model with ``--configuration``: its
configuration and tokenizer are taken, not its weights. Nothing is downloaded. Weights are written
in single precision, which holds half-precision values exactly.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workbench.environment import HOST, run_in_environment

TEXT_ENCODER_KEY = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"

TOKENS = 77
"""Length of a prompt in CLIP's text encoder."""

SD1_CONFIGURATION: dict[str, dict[str, Any]] = {
    "model_index.json": {
        "_class_name": "StableDiffusionPipeline",
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    },
    "scheduler/scheduler_config.json": {
        "_class_name": "PNDMScheduler",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "skip_prk_steps": True,
        "steps_offset": 1,
    },
    "unet/config.json": {
        "_class_name": "UNet2DConditionModel",
        "sample_size": 64,
        "cross_attention_dim": 768,
    },
    "vae/config.json": {
        "_class_name": "AutoencoderKL",
        "sample_size": 512,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "block_out_channels": [128, 256, 512, 512],
        "layers_per_block": 2,
    },
}
"""Files of a pipeline folder, as far as they differ from what diffusers takes by default."""


class ExportError(RuntimeError):
    """The checkpoint cannot be written as a pipeline; the message says why and what to do."""


def write_pipeline(checkpoint: Path, folder: Path, configuration: Path | None) -> None:
    """The checkpoint's weights as a ``StableDiffusionPipeline`` in ``folder``.

    Args:
        checkpoint: a safetensors file in the original layout.
        folder: to write; must not exist.
        configuration: a pipeline folder of the same architecture; Stable Diffusion 1.x where None.

    Raises:
        ExportError: no such checkpoint, the folder exists, or the checkpoint is of another family.
    """
    from safetensors import safe_open

    if not checkpoint.is_file():
        raise ExportError(f"{checkpoint}: there is no such file.")
    if folder.exists():
        raise ExportError(f"{folder}: exists; name a new folder, or move that one away.")
    with safe_open(checkpoint, "pt") as file:
        if configuration is None and TEXT_ENCODER_KEY not in file.keys():  # noqa: SIM118
            raise ExportError(
                f"{checkpoint}: is no whole Stable Diffusion 1.x; name a pipeline folder of its "
                "family with --configuration."
            )
    from diffusers import StableDiffusionPipeline

    with TemporaryDirectory() as scratch:
        if configuration is None:
            configuration = Path(scratch)
            write_sd1_configuration(configuration)
        pipeline = StableDiffusionPipeline.from_single_file(
            str(checkpoint), config=str(configuration), local_files_only=True
        )
        pipeline.save_pretrained(folder)
        # What transformers writes since 5.6, earlier releases read wrongly or not at all.
        shutil.rmtree(folder / "tokenizer")
        shutil.copytree(configuration / "tokenizer", folder / "tokenizer")
        _name_as_before(folder / "text_encoder" / "model.safetensors")


def write_sd1_configuration(folder: Path) -> None:
    """The configuration and tokenizer of Stable Diffusion 1.x as a pipeline folder, no weights."""
    for name, content in SD1_CONFIGURATION.items():
        _write_json(folder / name, content)
    (folder / "text_encoder").mkdir()
    shutil.copyfile(HOST / "comfy" / "sd1_clip_config.json", folder / "text_encoder/config.json")
    shutil.copytree(HOST / "comfy" / "sd1_tokenizer", folder / "tokenizer")
    settings = folder / "tokenizer" / "tokenizer_config.json"
    content = json.loads(settings.read_text(encoding="utf-8"))
    _write_json(settings, content | {"model_max_length": TOKENS})  # the host cuts prompts by itself


def _name_as_before(file: Path) -> None:
    """Give a text encoder's weights the names that every release of transformers reads."""
    from safetensors.torch import load_file, save_file

    prefix = "text_model."
    weights = {prefix + name.removeprefix(prefix): w for name, w in load_file(file).items()}
    save_file(weights, file, {"format": "pt"})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, help="a .safetensors file")
    parser.add_argument("folder", type=Path, help="to write; must not exist")
    parser.add_argument("--configuration", type=Path, help="a pipeline folder of the same family")
    arguments = parser.parse_args()
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        write_pipeline(arguments.checkpoint, arguments.folder, arguments.configuration)
    except ExportError as error:
        sys.exit(f"{error}")
    print(arguments.folder)


if __name__ == "__main__":
    main()
