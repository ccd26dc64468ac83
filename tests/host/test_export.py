"""The erased model as a checkpoint of its own, through the host's saver and its loader."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from graphs import Graph, apply_node, draw, node, picture_graph, sources
from masks_and_loras import drawn_mask
from safetensors.torch import load_file, save_file
from tiny_model import TinyModel, loadable_sd15

import nodes


@dataclass(frozen=True)
class Exported:
    """The checkpoint's name, and the picture of the masked model that was saved into it."""

    name: str
    picture: torch.Tensor


@pytest.fixture(scope="module")
def model(extension: Any) -> TinyModel:
    return loadable_sd15()


@pytest.fixture(scope="module")
def mask(extension: Any, model: TinyModel) -> Any:
    """One weight in ten of every FFN2 layer."""
    return drawn_mask(extension, model.model)


@pytest.fixture(scope="module")
def exported(host: Any, model: TinyModel, mask: Any) -> Iterator[Exported]:
    from comfy_extras.nodes_model_merging import NODE_CLASS_MAPPINGS

    nodes.NODE_CLASS_MAPPINGS.setdefault("CheckpointSave", NODE_CLASS_MAPPINGS["CheckpointSave"])
    graph: Graph = {
        **sources(host, model),
        "mask": host.source(mask),
        "apply": apply_node(),
        "save": node(
            "CheckpointSave",
            model=["apply", 0],
            clip=["clip", 0],
            vae=["vae", 0],
            filename_prefix="erased",
        ),
        **picture_graph(["apply", 0]),
    }
    sampler = graph["sampler"]
    graph["plain"] = sampler | {"inputs": sampler["inputs"] | {"model": ["model", 0]}}
    with torch.inference_mode():
        picture = host.run(graph, "picture")[0].clone()
        latents = [host.run(graph, one)[0]["samples"] for one in ("plain", "sampler")]
    assert not torch.equal(*latents)
    (file,) = Path(folder_paths.get_output_directory()).glob("erased*.safetensors")
    checkpoints = Path(folder_paths.get_folder_paths("checkpoints")[0])
    checkpoints.mkdir(parents=True, exist_ok=True)
    shutil.move(file, checkpoints / file.name)
    yield Exported(file.name, picture)
    (checkpoints / file.name).unlink()


def test_the_exported_checkpoint_draws_the_same_picture(host: Any, exported: Exported) -> None:
    host.forget()
    load = node("CheckpointLoaderSimple", ckpt_name=exported.name)
    loaded = TinyModel(*(host.run({"load": load}, "load", output)[0] for output in range(3)))
    assert not loaded.model.patches
    assert torch.equal(draw(host, loaded), exported.picture)


def test_the_weights_are_gone_from_the_file(mask: Any, exported: Exported) -> None:
    weights = load_file(folder_paths.get_full_path_or_raise("checkpoints", exported.name))
    for layer, pruned in mask.layers.items():
        kept = weights[f"model.{layer}.weight"] != 0
        assert torch.equal(kept, ~pruned)


def test_a_checkpoints_architecture_is_told_without_loading_it(
    extension: Any, mask: Any, exported: Exported
) -> None:
    tell = extension.module("nodes.host.model.model_files").architecture_of_loader
    assert tell("CheckpointLoaderSimple", exported.name) == mask.model.architecture
    assert tell("UNETLoader", exported.name) is None
    assert tell("CheckpointLoaderSimple", f"./{exported.name}") is None, "no listed name"
    checkpoint = Path(folder_paths.get_full_path_or_raise("checkpoints", exported.name))
    other = Path(shutil.copy(checkpoint, checkpoint.with_suffix(".ckpt")))
    assert other.name in folder_paths.get_filename_list("checkpoints")
    assert tell("CheckpointLoaderSimple", other.name) is None, "no safetensors by its name"
    other.unlink()


@pytest.mark.parametrize("error", [AttributeError, KeyError, IndexError, RuntimeError])
def test_no_architecture_is_told_where_the_host_cannot_tell_the_family(
    extension: Any,
    exported: Exported,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    """It reads values of some families' weights, which a header does not have."""

    def fail(weights: Any, prefix: str) -> None:
        raise error("of the test")

    module = extension.module("nodes.host.model.model_files")
    monkeypatch.setattr(module, "model_config_from_unet", fail)
    assert module.architecture_of_loader("CheckpointLoaderSimple", exported.name) is None


def test_no_architecture_is_told_of_packed_weights(
    extension: Any, exported: Exported, request: pytest.FixtureRequest
) -> None:
    """As nvfp4 has them: two in a byte."""
    checkpoint = Path(folder_paths.get_full_path_or_raise("checkpoints", exported.name))
    weights = load_file(checkpoint)
    name = next(name for name in weights if name.endswith(".ff.net.2.weight"))
    weights[name] = weights[name].to(torch.uint8)[:, ::2].contiguous()
    packed = checkpoint.with_name("packed.safetensors")
    request.addfinalizer(packed.unlink)
    save_file(weights, packed)
    tell = extension.module("nodes.host.model.model_files").architecture_of_loader
    assert packed.name in folder_paths.get_filename_list("checkpoints")
    assert tell("CheckpointLoaderSimple", packed.name) is None
