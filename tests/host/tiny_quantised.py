"""Models of the host's own classes whose linear layers are quantised, in each form it has."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import comfy.quant_ops
import comfy.utils
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.supported_models_base import BASE
from tiny_families import FAMILIES, Family
from tiny_model import randomise, tiny_denoiser, tiny_description

FP8 = torch.float8_e4m3fn
OLD_HOST = not hasattr(comfy.utils, "convert_old_quants")
"""Whether files in the old form stay so, and layers are described to the operations by name."""


@dataclass(frozen=True)
class Form:
    """How the host stores a linear layer in few bits.

    Attributes:
        layout: the host's class of such tensors; empty for the old form of scaled fp8.
        description: in the file, of a layer.
        options: of the host's function that quantises.
        columns: divide a layer's inputs; other layers stay as they are.
    """

    layout: str
    description: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    columns: int = 1

    def require(self) -> None:
        """Skip the test on a host that has no such form."""
        if OLD_HOST and self.layout not in ("", "TensorCoreFP8Layout"):
            pytest.skip(f"this host has no {self.layout}")


AWQ = "TensorCoreAWQW4A16Layout"
ANOTHER_PACKS = "AnotherPacksLayout"
READ_ONLY_LAYER = "diffusion_model.input_blocks.1.1.transformer_blocks.0.ff.net.2"
TEXT_LAYER = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_v"
ROTATION = {"convrot": True, "convrot_groupsize": 16}
WIDE_ROTATION = {"convrot_groupsize": 64}
FORMS = {
    "fp8 scaled, old": Form(""),
    "fp8": Form("TensorCoreFP8Layout", {"format": "float8_e4m3fn"}),
    "fp8 e5m2": Form("TensorCoreFP8E5M2Layout", {"format": "float8_e5m2"}),
    "int8": Form("TensorWiseINT8Layout", {"format": "int8_tensorwise"}),
    "int8 by rows": Form(
        "TensorWiseINT8Layout", {"format": "int8_tensorwise"}, {"per_channel": True}
    ),
    "int8 rotated": Form(
        "TensorWiseINT8Layout",
        {"format": "int8_tensorwise", **ROTATION},
        {"per_channel": True, **ROTATION},
    ),
    "nvfp4": Form("TensorCoreNVFP4Layout", {"format": "nvfp4"}),
    "mxfp8": Form("TensorCoreMXFP8Layout", {"format": "mxfp8"}),
    "asym_w4a8_int8": Form(
        "AsymW4A8Int8Layout", {"format": "asym_w4a8_int8", **WIDE_ROTATION}, WIDE_ROTATION, 64
    ),
    "convrot_w4a4": Form(
        "TensorCoreConvRotW4A4Layout",
        {"format": "convrot_w4a4", **WIDE_ROTATION},
        WIDE_ROTATION,
        64,
    ),
}


MOVED = {
    "fp8 scaled, old": 0.04,
    "fp8": 0.04,
    "fp8 e5m2": 0.08,
    "int8": 0.02,
    "int8 by rows": 0.01,
    "int8 rotated": 0.015,
    "nvfp4": 0.18,
    "mxfp8": 0.0,
    "asym_w4a8_int8": 0.11,
    "convrot_w4a4": 0.22,
}
"""By how much kept weights move at most, of a layer's root mean square, as the help page says."""

LEFT = {"int8 rotated": 0.015, "asym_w4a8_int8": 0.11, "convrot_w4a4": 0.22}
"""How much is left of masked weights; nothing in the other forms."""


def quantised_unet(form: Form, dtype: torch.dtype = torch.float32, **unet: Any) -> ModelPatcher:
    """A tiny SD 1.x whose feed-forward layers are quantised."""
    return _quantised(form, lambda: tiny_description(**unet), {".ff.net."}, dtype)


def quantised_attention(form: Form) -> ModelPatcher:
    """A tiny SD 1.x whose attention layers alone are quantised."""
    return _quantised(form, tiny_description, {".attn"}, torch.float32)


def quantised_flux(form: Form, dtype: torch.dtype = torch.float32) -> ModelPatcher:
    """The tiny Flux whose feed-forward layers are quantised."""
    return _quantised(form, FAMILIES["Flux"].description, {"_mlp."}, dtype)


def quantised_family(form: Form, family: Family) -> ModelPatcher:
    """The tiny model of a family whose FFN2 layers are quantised."""
    return _quantised(form, family.description, family.layers, torch.float32)


def read_only_unet(layout: str, name: str = READ_ONLY_LAYER) -> ModelPatcher:
    """A tiny SD 1.x, one of whose layers is stored in a form that only can be read."""
    model = tiny_denoiser()
    layer: Any = model.model.get_submodule(name)
    weight = (_awq if layout == AWQ else _of_another_pack)(layer.weight)
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    return model


def _awq(weight: torch.Tensor) -> torch.Tensor:
    if OLD_HOST:
        pytest.skip(f"this host has no {AWQ}")
    host_layouts: Any = comfy.quant_ops
    rows, columns = weight.shape
    groups = (columns // 64, rows)
    params = host_layouts.get_layout_class(AWQ).Params(
        scale=torch.ones(groups),
        orig_dtype=torch.float32,
        orig_shape=(rows, columns),
        zeros=torch.zeros(groups),
    )
    packed = torch.zeros(rows, columns // 2, dtype=torch.int8)
    return host_layouts.QuantizedTensor(packed, AWQ, params)


def _of_another_pack(weight: torch.Tensor) -> torch.Tensor:
    """In fp8, under the name of a form that has no ``quantize`` of its own."""
    host_layouts: Any = comfy.quant_ops
    readable = host_layouts.QuantizedTensor.from_float(weight.float(), "TensorCoreFP8Layout")
    if OLD_HOST:
        host_layouts.LAYOUTS[ANOTHER_PACKS] = host_layouts.QuantizedLayout
        params = readable._layout_params
    else:
        host_layouts.register_layout_class(ANOTHER_PACKS, host_layouts.QuantizedLayout)
        params = readable._params
    return host_layouts.QuantizedTensor(readable._qdata, ANOTHER_PACKS, params)


def weights_in_effect(model: ModelPatcher) -> dict[str, torch.Tensor]:
    """What the quantised layers compute with, float32."""
    return {
        name: layer.convert_weight(layer.weight).float().clone()
        for name, layer in model.model.named_modules()
        if hasattr(layer, "convert_weight") and getattr(layer, "weight", None) is not None
    }


def _quantised(
    form: Form, description: Callable[[], BASE], parts: Collection[str], dtype: torch.dtype
) -> ModelPatcher:
    """A model whose linear layers with one of ``parts`` in their names are quantised."""
    form.require()
    device = torch.device("cpu")
    config = description()
    config.set_inference_dtype(torch.float32, None)
    plain = config.get_model({}, device=device)
    randomise(plain.diffusion_model, seed=0)
    for buffer in plain.diffusion_model.buffers():
        buffer.zero_()  # the host leaves places of SD3 as memory happened to be
    state = plain.diffusion_model.state_dict()
    layers = [
        name.removesuffix(".weight")
        for name, weight in state.items()
        if any(part in name for part in parts)
        and name.endswith(".weight")
        and weight.ndim == 2
        and weight.shape[1] % form.columns == 0
    ]
    for name in layers:
        state |= _stored(form, name, state.pop(f"{name}.weight"))
    config = description()
    config.set_inference_dtype(dtype, dtype)
    state = _described(form, config, state, layers)
    model = config.get_model({}, device=device)
    missing, unexpected = model.diffusion_model.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith(".scale_weight") for name in missing)
    return ModelPatcher(model, device, device)


def _stored(form: Form, name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """A layer's tensors as they are in a file."""
    if not form.layout:
        scale = weight.abs().max() / torch.finfo(FP8).max
        return {f"{name}.weight": (weight / scale).to(FP8), f"{name}.scale_weight": scale}
    if OLD_HOST:
        scale = weight.abs().max() / torch.finfo(FP8).max
        return {f"{name}.weight": (weight / scale).to(FP8), f"{name}.weight_scale": scale}
    quantised: Any = comfy.quant_ops.QuantizedTensor
    options = {"scale": "recalculate", **form.options}
    parts = quantised.from_float(weight, form.layout, **options).state_dict(f"{name}.weight")
    description = torch.tensor(list(json.dumps(form.description).encode()), dtype=torch.uint8)
    return {**parts, f"{name}.comfy_quant": description}


def _described(
    form: Form, config: Any, state: dict[str, torch.Tensor], layers: list[str]
) -> dict[str, torch.Tensor]:
    """Tell the host's description of a model what is quantised, as its loaders do."""
    host_utils: Any = comfy.utils
    if OLD_HOST:
        if form.layout:
            config.layer_quant_config = dict.fromkeys(layers, form.description)
        else:
            config.scaled_fp8 = FP8
        return state
    if not form.layout:
        state["scaled_fp8"] = torch.empty(0, dtype=FP8)
        state, _ = host_utils.convert_old_quants(state)
    config.quant_config = host_utils.detect_layer_quantization(state, "")
    return state
