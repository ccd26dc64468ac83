"""Save Erasure LoRA, read again by the host's own Load LoRA."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor
from compositions import by_hand
from graphs import Graph, GraphError, Host, node, picture_graph, sources
from masks_and_loras import drawn_mask, with_lora
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from server import PromptServer
from tiny_model import TinyModel, tiny_denoiser, tiny_sdxl_denoiser
from tiny_quantised import FORMS, quantised_attention

FIRST = "diffusion_model.input_blocks.1.1.transformer_blocks.0.ff.net.2"


@pytest.fixture(autouse=True)
def loras(extension: Any) -> Path:
    """The host's folder of LoRA files, empty."""
    folder = Path(folder_paths.get_folder_paths("loras")[0])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder_paths.filename_list_cache.pop("loras", None)
    return folder


def saved(host: Host, model: Any, mask: Any, **inputs: Any) -> str:
    """The new file's name."""
    inputs = {"strength": 1.0, "filename_prefix": "church", **inputs}
    return host.run_node("FIASaveErasureLora", model=model, mask=mask, **inputs)[0]


def picture(host: Host, tiny: TinyModel, model: Any, last: dict[str, Any], mask: Any) -> Any:
    """What a graph draws with ``model`` after the node ``last``."""
    host.forget()
    graph: Graph = {
        **sources(host, tiny, model),
        "mask": host.source(mask),
        "last": {**last, "inputs": {"model": ["model", 0], **last["inputs"]}},
        **picture_graph(["last", 0]),
    }
    return host.run(graph, "picture")[0].clone()


def load(name: str, strength: float) -> dict[str, Any]:
    return node("LoraLoaderModelOnly", lora_name=name, strength_model=strength)


def apply(strength: float) -> dict[str, Any]:
    return node("FIAApplyNeuronMask", mask=["mask", 0], strength=strength)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_loaded_by_the_host_it_draws_what_the_mask_draws(
    host: Host, tiny: TinyModel, mask: Any, dtype: torch.dtype
) -> None:
    model = tiny_denoiser(dtype)
    name = saved(host, model, mask)
    plain = picture(host, tiny, model, apply(0.0), mask)
    for strength in (1.0, 0.5, 2.0):
        with_file = picture(host, tiny, model, load(name, strength), mask)
        assert torch.equal(with_file, picture(host, tiny, model, apply(strength), mask))
        assert not torch.equal(with_file, plain)


def test_at_minus_1_it_puts_back_what_an_exported_checkpoint_lacks(
    host: Host, tiny: TinyModel, mask: Any
) -> None:
    """As docs/using.md says."""
    plain = picture(host, tiny, tiny.model, apply(0.0), mask)
    file = load(saved(host, tiny.model, mask), -1.0)
    assert torch.equal(picture(host, tiny, by_hand(mask), file, mask), plain)


def test_a_lora_before_it_is_masked_too(host: Host, tiny: TinyModel, mask: Any) -> None:
    model = with_lora(tiny_denoiser())
    name = saved(host, model, mask)
    with_file = picture(host, tiny, model, load(name, 1.0), mask)
    assert torch.allclose(with_file, picture(host, tiny, model, apply(1.0), mask), atol=1e-4)


def test_the_file_holds_the_change_of_each_masked_weight(
    host: Host, extension: Any, tiny: TinyModel, mask: Any, loras: Path
) -> None:
    name = saved(host, tiny.model, mask, strength=2.0)
    names = extension.module("nodes.host.applying.erasure_lora").lora_names(tiny.model)
    state, content = tiny.model.model.state_dict(), load_file(loras / name)
    assert len(content) == len(mask.layers)
    for layer, pruned in mask.layers.items():
        change = content[f"{names[f'{layer}.weight']}.diff"]
        assert torch.equal(change, torch.where(pruned, -2 * state[f"{layer}.weight"], 0.0))
    with safe_open(loras / name, "pt") as file:
        told = json.loads(file.metadata()["forget_it_all"])
    assert told == {
        "concepts": ["church"],
        "strength": 2.0,
        "architecture": mask.model.architecture,
    }


def test_quantised_attention_is_no_hindrance(host: Host, extension: Any, loras: Path) -> None:
    model = quantised_attention(FORMS["fp8"])
    pruned = drawn_mask(extension, model)
    names = extension.module("nodes.host.applying.erasure_lora").lora_names(model)
    content = load_file(loras / saved(host, model, pruned))
    for layer, where in pruned.layers.items():
        weight = model.model.get_submodule(layer).weight
        change = content[f"{names[f'{layer}.weight']}.diff"]
        assert torch.equal(change, torch.where(where, -weight, 0.0))


def test_a_layer_that_the_mask_leaves_alone_is_left_out(
    host: Host, tiny: TinyModel, mask: Any, loras: Path
) -> None:
    layers = {name: pruned & (name == FIRST) for name, pruned in mask.layers.items()}
    one = replace(mask, layers=layers)
    (key,) = load_file(loras / saved(host, tiny.model, one))
    assert key == "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_ff_net_2.diff"


def test_names_are_those_of_sd_scripts(extension: Any, tiny: TinyModel) -> None:
    """diffusers' for a UNet, the original ones for SDXL, whose UNet sd-scripts calls so."""
    names = extension.module("nodes.host.applying.erasure_lora").lora_names
    to_diffusers = extension.module("fia_core").diffusers_layer_name
    for layer in extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model):
        expected = to_diffusers(layer, layers_per_block=1).replace(".", "_")
        assert names(tiny.model)[f"{layer}.weight"] == f"lora_unet_{expected}"
    sdxl = tiny_sdxl_denoiser()
    assert (
        names(sdxl)[f"{FIRST}.weight"] == "lora_unet_input_blocks_1_1_transformer_blocks_0_ff_net_2"
    )


def test_the_size_is_told_before_and_after(
    host: Host, tiny: TinyModel, mask: Any, loras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bool]] = []

    def say(text: str, node_id: str) -> None:
        assert node_id == "node"
        told.append((text, any(loras.rglob("church*.safetensors"))))

    monkeypatch.setattr(PromptServer.instance, "send_progress_text", say)
    name = saved(host, tiny.model, mask)
    size = sum(4 * pruned.numel() for pruned in mask.layers.values())
    assert told == [
        (f"{size / 1e6:.1f} MB are being written", False),
        (f"{name}: {size / 1e6:.1f} MB", True),
    ]
    assert size < (loras / name).stat().st_size < size + 4000


def test_nothing_is_overwritten(host: Host, tiny: TinyModel, mask: Any, loras: Path) -> None:
    first, second = saved(host, tiny.model, mask), saved(host, tiny.model, mask)
    assert (first, second) == ("church_00001_.safetensors", "church_00002_.safetensors")
    assert (loras / first).read_bytes() == (loras / second).read_bytes()


def of_nothing(mask: Any) -> Any:
    layers = {name: torch.zeros_like(pruned) for name, pruned in mask.layers.items()}
    return replace(mask, layers=layers)


def quantised() -> ModelPatcher:
    """One whose layers hold a quantised tensor, which calls itself bfloat16."""
    model = tiny_denoiser(torch.bfloat16)
    layer = model.get_model_object(FIRST)
    weight = QuantizedTensor.from_float(layer.weight.float(), "TensorCoreFP8Layout")
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    return model


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": lambda: tiny_denoiser(torch.float8_e4m3fn)}, "model: .*quantised.*float8"),
        ({"model": quantised}, "model: .*quantised.*load a checkpoint in fp16"),
        ({"model": lambda: tiny_denoiser(channel_mult=[1, 1])}, "mask: that of church was made"),
        ({"mask": of_nothing}, "mask: is empty.*change nothing"),
        ({"strength": 0.0}, "strength: is 0.*Write 1"),
        ({"filename_prefix": "../church"}, "filename_prefix: .*leads out of"),
    ],
)
def test_what_cannot_be_saved(
    host: Host, tiny: TinyModel, mask: Any, change: dict[str, Any], words: str, loras: Path
) -> None:
    inputs = dict(change)
    model = inputs.pop("model", lambda: tiny.model)()
    mask = inputs.pop("mask", lambda mask: mask)(mask)
    with pytest.raises(GraphError, match=words):
        saved(host, model, mask, **inputs)
    assert not list(loras.rglob("*.*"))


def test_a_full_disk_is_told_before_anything_is_written(
    host: Host, tiny: TinyModel, mask: Any, loras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(loras)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free)
    words = r"filename_prefix: nothing can be written.*takes 0\.\d MB, 0\.0 MB are free.*Make room"
    with pytest.raises(GraphError, match=words):
        saved(host, tiny.model, mask)
    assert not list(loras.rglob("*.*"))


def test_a_disk_that_fills_up_leaves_nothing(
    host: Host, tiny: TinyModel, mask: Any, loras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(GraphError, match=r"filename_prefix: nothing .*No space left"):
        saved(host, tiny.model, mask)
    assert not list(loras.rglob("*.*"))
