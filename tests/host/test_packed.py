"""Packed weights, as GGUF files have them: a mask can be put on, and nothing reads them.

A stand-in holds and patches them as ComfyUI-GGUF does; that itself was tried, too (docs/hosts.md).
"""

import logging
from collections.abc import Callable
from typing import Any

import comfy.ops
import pytest
import torch
from comfy.lora import calculate_weight
from comfy.model_patcher import ModelPatcher
from comfy.utils import get_attr
from graphs import GraphError, Host, draw, profile_graph
from masks_and_loras import drawn_mask
from test_forget_lora import assert_rows_are_runs, lora
from tiny_model import TinyModel, tiny_denoiser

BLOCK = 32  # weights that share a scale, as in Q8_0
APPLY = "FIAApplyNeuronMask"
FFN2 = (".ff.net.2",)
TEXT_LAYERS = (".attn2.to_k", ".attn2.to_v")
MADE_ELSEWHERE = (
    "Masks can be put on a GGUF model with Apply Neuron Mask; make them on the fp8 or fp16"
)


class Packed(torch.Tensor):
    """Bytes, uint8 (C_out, C_in / 32 · 34): a half-precision scale and 32 whole numbers a block."""

    patches: tuple[Any, ...] = ()

    @property
    def shape(self) -> torch.Size:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of what it unpacks to."""
        rows, row_bytes = self.size()
        return torch.Size((rows, row_bytes // (BLOCK + 2) * BLOCK))


class Unpacking(comfy.ops.manual_cast.Linear):
    """Unpacks its weight, and patches that, in every forward."""

    def unpacked(self) -> torch.Tensor:
        """(C_out, C_in), float32."""
        data: Any = self.weight
        blocks = data.as_subclass(torch.Tensor).reshape(self.out_features, -1, BLOCK + 2)
        scales = blocks[..., :2].contiguous().view(torch.float16).float()
        weight = (blocks[..., 2:].contiguous().view(torch.int8) * scales).flatten(1)
        for patches, key in data.patches:
            weight = calculate_weight(patches, weight, key)
        return weight

    def forward(self, input: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return torch.nn.functional.linear(input, self.unpacked(), self.bias)


class PackedPatcher(ModelPatcher):
    """Hangs patches on packed weights."""

    def patch_weight_to_device(self, key: str, *args: Any, **kwargs: Any) -> None:
        weight = get_attr(self.model, key)
        if not isinstance(weight, Packed):
            super().patch_weight_to_device(key, *args, **kwargs)
        elif key in self.patches:
            weight.patches = ((self.patches[key], key),)

    def unpatch_model(self, *args: Any, **kwargs: Any) -> None:
        for layer in packed_layers(self).values():
            layer.weight.patches = ()
        super().unpatch_model(*args, **kwargs)


def pack(weight: torch.Tensor) -> torch.Tensor:
    blocks = weight.reshape(len(weight), -1, BLOCK)
    scales = (blocks.abs().amax(dim=-1, keepdim=True) / 127).half()
    numbers = (blocks / scales.float()).round().to(torch.int8)
    return torch.cat([scales.view(torch.uint8), numbers.view(torch.uint8)], dim=-1).flatten(1)


def packed_denoiser(
    patcher: type[ModelPatcher] = PackedPatcher, layers: tuple[str, ...] = FFN2
) -> ModelPatcher:
    """The tiny SD 1.x, the weights of some layers packed."""
    plain = tiny_denoiser()
    for name, layer in plain.model.named_modules():
        if name.endswith(layers):
            bytes_: Any = pack(layer.weight).as_subclass(Packed)
            layer.__class__ = Unpacking
            layer.weight = torch.nn.Parameter(bytes_, requires_grad=False)
    return patcher(plain.model, plain.load_device, plain.offload_device)


def packed_layers(model: ModelPatcher) -> dict[str, Any]:
    return {n: m for n, m in model.model.named_modules() if isinstance(m, Unpacking)}


def unpacked_denoiser(layers: tuple[str, ...] = FFN2) -> ModelPatcher:
    """A model whose weights are those that the packed one computes with."""
    plain = tiny_denoiser()
    for name, layer in packed_layers(packed_denoiser(layers=layers)).items():
        plain.model.get_submodule(name).weight.data = layer.unpacked()
    return plain


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_a_mask_of_the_unpacked_model_works_on_the_packed_one(
    host: Any, extension: Any, tiny: TinyModel, strength: float
) -> None:
    apply = extension.node(APPLY).execute
    packed, unpacked = packed_denoiser(), unpacked_denoiser()
    mask = drawn_mask(extension, unpacked)
    before = draw(host, tiny, packed)
    assert torch.equal(before, draw(host, tiny, unpacked))
    plain = {name: layer.unpacked() for name, layer in packed_layers(packed).items()}
    masked = apply(packed, mask, strength)[0]
    erased = draw(host, tiny, masked)
    for name, layer in packed_layers(masked).items():
        pruned = mask.layers[name]
        wanted = torch.where(pruned, plain[name] * (1 - strength), plain[name])
        assert torch.equal(layer.unpacked(), wanted)
    assert torch.equal(erased, draw(host, tiny, apply(unpacked, mask, strength)[0]))
    assert not torch.equal(erased, before)
    assert torch.equal(draw(host, tiny, packed), before), "the wire is gone"


@pytest.mark.usefixtures("lora_nodes")
def test_forget_lora_reads_and_changes_packed_text_layers(
    host: Host, extension: Any, tiny: TinyModel
) -> None:
    packed, unpacked = packed_denoiser(layers=TEXT_LAYERS), unpacked_denoiser(TEXT_LAYERS)
    made, wanted = lora(host, tiny, packed), lora(host, tiny, unpacked)
    assert made.keys() == wanted.keys()
    assert all(torch.equal(made[name], wanted[name]) for name in made)
    with_lora = extension.module("nodes.host.model.lora").with_lora
    changed = draw(host, tiny, with_lora(packed, made, 1.0))
    plain = draw(host, tiny, packed)
    assert torch.equal(changed, draw(host, tiny, with_lora(unpacked, made, 1.0)))
    assert not torch.allclose(changed, plain, atol=1e-3)
    assert_rows_are_runs(host, tiny, packed)


def test_nothing_is_rounded_again(extension: Any, caplog: pytest.LogCaptureFixture) -> None:
    module = extension.module("nodes.host.applying.weight_patch")
    caplog.set_level(logging.INFO)
    module.apply_neuron_mask(packed_denoiser(), drawn_mask(extension, unpacked_denoiser()), 1.0)
    assert module.ROUNDED_AGAIN not in caplog.messages


def test_a_profile_of_packed_weights_is_refused_by_name(host: Any, tiny: TinyModel) -> None:
    packed = packed_denoiser()
    with pytest.raises(GraphError, match=MADE_ELSEWHERE) as error:
        host.run(profile_graph(host, packed, tiny.clip), "profile")
    assert next(iter(packed_layers(packed))) in str(error.value)


READERS: dict[str, Callable[[Any, ModelPatcher, Any], Any]] = {
    "strength_strip": lambda module, model, mask: module.strip_of_mask(model, mask, [0.0, 1.0]),
    "erasure_lora": lambda module, model, mask: module.ErasureLora(model, mask, 1.0),
    "erasure_hook": lambda module, model, mask: module.NeuronMaskHook(mask).add_hook_patches(
        model, {}, {}, None
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_what_else_needs_the_weights_is_refused(extension: Any, name: str) -> None:
    mask = drawn_mask(extension, unpacked_denoiser())
    with pytest.raises(ValueError, match=MADE_ELSEWHERE):
        READERS[name](extension.module(f"nodes.host.applying.{name}"), packed_denoiser(), mask)


@pytest.mark.parametrize("patcher", [ModelPatcher, PackedPatcher])
def test_packed_weights_that_take_no_patches_are_refused(
    extension: Any, patcher: type[ModelPatcher]
) -> None:
    """The host's own patcher would patch the bytes; another's may not patch at use."""
    packed = packed_denoiser(patcher)
    if patcher is PackedPatcher:
        first = next(iter(packed_layers(packed).values()))
        first.weight = torch.nn.Parameter(
            torch.zeros(32, 72, dtype=torch.uint8), requires_grad=False
        )
    refused = "holds its weights packed, and only the nodes"
    with pytest.raises(ValueError, match=refused):
        extension.node(APPLY).execute(packed, drawn_mask(extension, unpacked_denoiser()), 1.0)
    text_layers = packed_denoiser(layers=TEXT_LAYERS)
    with pytest.raises(ValueError, match=refused):
        extension.module("nodes.host.model.layers").find_text_layers(
            ModelPatcher(text_layers.model, text_layers.load_device, text_layers.offload_device)
        )
