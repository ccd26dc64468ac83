"""Which model a profile or mask belongs to, by its architecture and its FFN2 weights."""

import hashlib
import math

import torch
from comfy.model_patcher import ModelPatcher

from ....fia_core import LayerShapes, ModelIdentity, NeuronMask
from .layers import chosen_dtype, find_ffn2_layers, layer_shapes
from .stored_weights import patched_weight, stored_weight

CPU = torch.device("cpu")
BLOCK = 16  # rows whose sums are made at once: what lies between stays in the processor's cache
COLUMN_FACTOR = 0x9E3779B97F4A7C15 - (1 << 64)  # 2^64 / golden ratio, odd, as a signed integer


def architecture(model: ModelPatcher, shapes: LayerShapes) -> str:
    """The host's name of the model family and the size of its FFN2 layers, for people."""
    return architecture_text(type(model.model.model_config).__name__, shapes)


def architecture_text(family: str, shapes: LayerShapes) -> str:
    """``architecture`` of a model that is not loaded."""
    weights = sum(math.prod(shape) for shape in shapes.values())
    return f"{family} ({len(shapes)} FFN2 layers, {weights:,} FFN2 weights)"


def model_identity(model: ModelPatcher) -> ModelIdentity:
    """Architecture of ``model`` and a fingerprint of its FFN2 weights in effect.

    Weights in effect are those with every patch of the patcher applied (a LoRA is part of the
    model). They are computed on the CPU in float32 from the unpatched weights, as these are in the
    precision that the host chose for the model. So neither the device, nor how much of the model is
    on it, nor whether the host keeps a file's own precision there changes the fingerprint.
    """
    layers = find_ffn2_layers(model)
    fingerprint = hashlib.sha256()
    for name in sorted(layers):
        weight = _weight_in_effect(model, name, layers[name])
        fingerprint.update(name.encode())
        fingerprint.update(_row_sums(weight).numpy().tobytes())
    return ModelIdentity(architecture(model, layer_shapes(layers)), fingerprint.hexdigest())


def require_same_architecture(
    mask: NeuronMask, model: ModelPatcher, layers: dict[str, torch.nn.Linear]
) -> None:
    """Raise ValueError that names both models, unless ``mask`` was made for the architecture of
    ``model`` and for its FFN2 ``layers``."""
    shapes = layer_shapes(layers)
    own = architecture(model, shapes)
    if mask.model.architecture == own and mask.shapes == shapes:
        return
    differing = sorted(set(mask.shapes.items()) ^ set(shapes.items()))
    layer = f"; they differ in {differing[0][0]}" if mask.model.architecture == own else ""
    raise ValueError(
        f"mask: that of {', '.join(mask.concepts)} was made for {mask.model.architecture}, but the "
        f"model is {own}{layer}. Load the model that the mask was made for, or profile the "
        "concepts on this one."
    )


def _weight_in_effect(model: ModelPatcher, name: str, layer: torch.nn.Linear) -> torch.Tensor:
    """(C_out, C_in) on the CPU, float32 where the host's own conversion of it is."""
    key = f"{name}.weight"
    stored = stored_weight(model, key, layer.weight)
    chosen = chosen_dtype(layer)
    rounded = stored if chosen is None else stored.to(chosen)
    return patched_weight(model, key, rounded, CPU)


def _row_sums(weight: torch.Tensor) -> torch.Tensor:
    """Position-weighted integer sums (modulo 2^64) of the bits of each row, (C_out,) int64.

    Every bit counts and integer addition has no order, so the sums do not depend on threads.
    """
    columns = torch.arange(1, 2 * weight.shape[1], 2, dtype=torch.int64) * COLUMN_FACTOR
    blocks = (rows.float().contiguous().view(torch.int32) for rows in weight.split(BLOCK))
    return torch.cat([(bits * columns).sum(dim=1) for bits in blocks])
