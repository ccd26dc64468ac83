"""The erased model in diffusers: as a pipeline folder, and by a mask alone."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.diffusers_convert
import comfy.sd
import comfy.utils
import pytest
import torch
from comfy import supported_models
from comfy.model_detection import unet_config_from_diffusers_unet
from masks_and_loras import drawn_mask
from safetensors.torch import load_file, save_file
from tiny_model import TinyModel, loadable_sd15

REPOSITORY = Path(__file__).resolve().parents[2]
IN_DIFFUSERS = REPOSITORY / "tests" / "in_diffusers.py"
DENOISER, AUTOENCODER = "model.diffusion_model.", "first_stage_model."
TEXT_ENCODER = "cond_stage_model.transformer."

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Exported:
    """A masked model, the checkpoint that the host saved of it, and what diffusers made of that."""

    model: TinyModel
    mask: Any
    checkpoint: Weights
    folder: Path

    def weights(self, part: str, file: str = "diffusion_pytorch_model") -> Weights:
        return load_file(self.folder / "pipeline" / part / f"{file}.safetensors")


@pytest.fixture(scope="module")
def exported(extension: Any, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("diffusers")
    checkpoint, mask_file = folder / "erased.safetensors", folder / "mask.safetensors"
    generator = torch.Generator().manual_seed(1)
    inputs = {
        "latent": torch.randn(1, 4, 8, 8, generator=generator),
        "text": torch.randn(1, 77, 768, generator=generator),
        "step": torch.tensor([500.0]),
    }
    save_file(inputs, folder / "inputs.safetensors")
    with torch.inference_mode():
        model = loadable_sd15()
        mask = drawn_mask(extension, model.model)
        mask.save(mask_file)
        masked = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask(
            model.model, mask, 1.0
        )
        comfy.sd.save_checkpoint(str(checkpoint), masked, model.clip, model.vae)
    command = [sys.executable, "-P", IN_DIFFUSERS, checkpoint, mask_file, folder]
    process = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return Exported(model, mask, load_file(checkpoint), folder)


def own_part(weights: Weights, prefix: str) -> Weights:
    """Those below ``prefix``, named without it."""
    return {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}


def in_original_names(weights: Weights, model: TinyModel) -> Weights:
    """A diffusers UNet's weights under the names of the host's own map."""
    names = comfy.utils.unet_to_diffusers(model.model.model.model_config.unet_config)
    return {names[name]: weight for name, weight in weights.items()}


def require_same(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name].float(), expected[name].float()) for name in expected)


def test_the_pipelines_denoiser_has_the_masked_weights(exported: Exported) -> None:
    found = in_original_names(exported.weights("unet"), exported.model)
    require_same(found, own_part(exported.checkpoint, DENOISER))
    for layer, pruned in exported.mask.layers.items():
        assert torch.equal(found[f"{layer.removeprefix('diffusion_model.')}.weight"] == 0, pruned)


def test_the_pipeline_predicts_what_the_host_predicts(exported: Exported) -> None:
    """A wrong setting (heads, norms, scales) would show here; sums differ in the last bits."""
    inputs, found = (
        load_file(exported.folder / f"{name}.safetensors") for name in ("inputs", "predicted")
    )
    denoiser = exported.model.model.model.diffusion_model
    denoiser.load_state_dict(own_part(exported.checkpoint, DENOISER))
    noise = denoiser(inputs["latent"], inputs["step"], context=inputs["text"])
    autoencoder: Any = exported.model.vae.first_stage_model
    picture = autoencoder.decode(inputs["latent"])
    clip = exported.model.clip
    text: Any = clip.encode_from_tokens(clip.tokenize("a church"))
    for name, expected in (("noise", noise), ("picture", picture), ("text", text)):
        assert torch.allclose(found[name], expected, atol=1e-4 * float(expected.abs().max()))


def test_a_mask_alone_prunes_a_denoiser_of_diffusers(exported: Exported) -> None:
    found = load_file(exported.folder / "forgotten.safetensors")
    after = in_original_names(found, exported.model)
    for layer, pruned in exported.mask.layers.items():
        assert torch.equal(after[f"{layer.removeprefix('diffusion_model.')}.weight"] == 0, pruned)
    before = exported.weights("unet")
    others = [name for name in before if not name.endswith(".ff.net.2.weight")]
    assert len(before) - len(others) == len(exported.mask.layers)
    assert all(torch.equal(found[name], before[name]) for name in others)


def test_the_configuration_is_stable_diffusion_1(exported: Exported) -> None:
    """Every weight of the whole denoiser, by the host's map, without any weight being made."""
    shapes = json.loads((exported.folder / "shapes.json").read_text())
    unet = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    config = unet_config_from_diffusers_unet(unet, torch.float32)
    assert config and config["context_dim"] == 768 and config["num_heads"] == 8
    host = supported_models.SD15(config).get_model({}, device=torch.device("meta"))
    names = comfy.utils.unet_to_diffusers(config)
    expected = host.diffusion_model.state_dict()
    assert {names[name]: tuple(shape) for name, shape in shapes.items()} == {
        name: tuple(weight.shape) for name, weight in expected.items()
    }


@pytest.mark.parametrize("layers", [1, 2])
def test_layer_names_are_the_hosts_map(extension: Any, layers: int) -> None:
    core = extension.module("fia_core")
    per_stage = [1, 1, 3, 0]  # transformers' depth
    config = {
        "num_res_blocks": [layers] * 4,
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [depth for depth in per_stage for _ in range(layers)],
        "transformer_depth_middle": 2,
        "transformer_depth_output": [depth for depth in per_stage for _ in range(layers + 1)],
    }
    names = comfy.utils.unet_to_diffusers(config)
    ffn2 = [name for name in names if name.endswith(".ff.net.2.weight")]
    assert len(ffn2) == 5 * layers + 2 + 5 * (layers + 1)
    for name in names:
        if ".transformer_blocks." in name:
            assert core.diffusers_layer_name(names[name], layers) == name


def test_the_command_says_what_it_cannot_write(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    save_file({"conditioner.embedders.0": torch.zeros(1)}, checkpoint)
    command = [sys.executable, str(REPOSITORY / "tools" / "to_diffusers.py")]
    command += [str(checkpoint), str(tmp_path / "folder")]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 1
    assert "is no whole Stable Diffusion 1.x; name a pipeline folder" in process.stderr
    assert len(process.stderr.splitlines()) == 1
