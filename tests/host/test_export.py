"""The erased model as a checkpoint of its own, through the host's saver and its loader."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.sd
import folder_paths
import pytest
import torch
from comfy import supported_models
from comfy.model_patcher import ModelPatcher
from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer
from comfy.supported_models_base import ClipTarget
from graphs import Graph, picture_graph
from safetensors.torch import load_file
from tiny_model import UNET, TinyModel, randomise

import nodes

TEXT_WIDTH = 768
AUTOENCODER = {
    "double_z": True,
    "z_channels": 4,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 128,
    "ch_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [],
    "dropout": 0.0,
}


@dataclass(frozen=True)
class Exported:
    """The checkpoint's name, and the picture of the masked model that was saved into it."""

    name: str
    picture: torch.Tensor


@pytest.fixture(scope="module")
def model(extension: Any) -> TinyModel:
    """Stable Diffusion 1.5 with random weights, shallow, but such that the host recognises it."""
    config = supported_models.SD15({**UNET, "model_channels": 320, "context_dim": TEXT_WIDTH})
    denoiser = config.get_model({}, device=comfy.model_management.unet_offload_device())
    randomise(denoiser.diffusion_model, seed=0)
    clip = comfy.sd.CLIP(ClipTarget(SD1Tokenizer, SD1ClipModel))
    randomise(clip.cond_stage_model, seed=1)
    autoencoder = comfy.sd.VAE(sd=random_autoencoder())
    device = comfy.model_management.get_torch_device()
    return TinyModel(ModelPatcher(denoiser, device, torch.device("cpu")), clip, autoencoder)


def random_autoencoder() -> dict[str, torch.Tensor]:
    from comfy.ldm.models.autoencoder import AutoencoderKL

    module = AutoencoderKL(ddconfig=AUTOENCODER, embed_dim=4)
    randomise(module, seed=2)
    return module.state_dict()


@pytest.fixture(scope="module")
def mask(extension: Any, model: TinyModel) -> Any:
    """One weight in ten of every FFN2 layer."""
    layers = extension.module("nodes.host.layers").find_ffn2_layers(model.model)
    generator = torch.Generator().manual_seed(0)
    pruned = {
        name: torch.rand(layer.weight.shape, generator=generator) < 0.1
        for name, layer in layers.items()
    }
    identity = extension.module("nodes.host.identity").model_identity(model.model)
    return extension.module("fia_core").NeuronMask(pruned, identity, ("church",), {}, {})


@pytest.fixture(scope="module")
def exported(host: Any, model: TinyModel, mask: Any) -> Iterator[Exported]:
    from comfy_extras.nodes_model_merging import NODE_CLASS_MAPPINGS

    nodes.NODE_CLASS_MAPPINGS.setdefault("CheckpointSave", NODE_CLASS_MAPPINGS["CheckpointSave"])
    graph: Graph = {
        **sources(host, model),
        "mask": host.source(mask),
        "apply": {
            "class_type": "FIAApplyNeuronMask",
            "inputs": {"model": ["model", 0], "mask": ["mask", 0], "strength": 1.0},
        },
        "save": {
            "class_type": "CheckpointSave",
            "inputs": {
                "model": ["apply", 0],
                "clip": ["clip", 0],
                "vae": ["vae", 0],
                "filename_prefix": "erased",
            },
        },
        **picture_graph(["apply", 0]),
    }
    sampler = graph["sampler"]
    graph["plain"] = sampler | {"inputs": sampler["inputs"] | {"model": ["model", 0]}}
    with torch.inference_mode():
        picture = host.run(graph, "picture")[0].clone()
        latents = [host.run(graph, node)[0]["samples"] for node in ("plain", "sampler")]
    assert not torch.equal(*latents)
    (file,) = Path(folder_paths.get_output_directory()).glob("erased*.safetensors")
    checkpoints = Path(folder_paths.get_folder_paths("checkpoints")[0])
    checkpoints.mkdir(parents=True, exist_ok=True)
    shutil.move(file, checkpoints / file.name)
    yield Exported(file.name, picture)
    (checkpoints / file.name).unlink()


def sources(host: Any, model: TinyModel) -> Graph:
    """The three nodes that ``picture_graph`` expects."""
    return {name: host.source(getattr(model, name)) for name in ("model", "clip", "vae")}


def test_the_exported_checkpoint_draws_the_same_picture(host: Any, exported: Exported) -> None:
    host.forget()
    load = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": exported.name}}
    loaded = TinyModel(*(host.run({"load": load}, "load", output)[0] for output in range(3)))
    assert not loaded.model.patches
    picture = host.run({**sources(host, loaded), **picture_graph(["model", 0])}, "picture")[0]
    assert torch.equal(picture, exported.picture)


def test_the_weights_are_gone_from_the_file(mask: Any, exported: Exported) -> None:
    weights = load_file(folder_paths.get_full_path_or_raise("checkpoints", exported.name))
    for layer, pruned in mask.layers.items():
        kept = weights[f"model.{layer}.weight"] != 0
        assert torch.equal(kept, ~pruned)


def test_a_checkpoints_architecture_is_told_without_loading_it(
    extension: Any, mask: Any, exported: Exported
) -> None:
    tell = extension.module("nodes.host.model_files").architecture_of_loader
    assert tell("CheckpointLoaderSimple", exported.name) == mask.model.architecture
    assert tell("UNETLoader", exported.name) is None


def test_the_demo_models_architecture_is_told_without_loading_it(extension: Any) -> None:
    tell = extension.module("nodes.host.model_files").architecture_of_loader
    demo = extension.module("demo_model.loader").load_demo_model().model
    identity = extension.module("nodes.host.identity").model_identity(demo)
    assert tell("FIADemoModel", "") == identity.architecture
