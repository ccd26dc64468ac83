"""Put a neuron mask into the host's stack of weight patches."""

import logging
from typing import Any
from weakref import WeakSet

import torch
from comfy.model_management import cast_to_device
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor
from comfy.weight_adapter.base import WeightAdapterBase

from ....fia_core import NeuronMask
from ....fia_core.files.bits import unpack_bits
from ..model.identity import architecture
from ..model.layers import find_patchable_layers, is_quantised, layer_shapes

_told: WeakSet[torch.nn.Module] = WeakSet()  # models whose user knows that their weights move

ROUNDED_AGAIN = (
    "Apply Neuron Mask: this model's weights are quantised. ComfyUI rounds them again with every "
    "patch, so those that the mask keeps can move, too: by up to 4 % in fp8 (8 % in e5m2), 2 % in "
    "int8, 18 % in nvfp4, 11 % in asym_w4a8_int8 and 22 % in convrot_w4a4, root mean square of a "
    "layer. Where weights are stored rotated, as much is left of masked ones. The node's help page "
    "has more."
)

_TRIED = (256, 256)
"""The smallest weight that every quantised form of the host can hold."""


class NeuronMaskPatch(WeightAdapterBase):
    """W · (1 − strength) where the mask holds, the only multiplicative form the host knows.

    The host may rebuild a patch as ``type(patch)(patch.loaded_keys, patch.weights)``, so there is
    no other state.

    Args:
        loaded_keys: keys of the source file that this patch was made from; none here.
        weights: one tensor, the mask at one bit a weight (``fia_core/files/bits.py``), set where
            it is pruned.
    """

    name = "neuron_mask"

    def __init__(self, loaded_keys: set[str], weights: list[torch.Tensor]) -> None:
        self.loaded_keys = loaded_keys
        self.weights = weights

    def calculate_weight(
        self,
        weight: torch.Tensor,
        key: str,
        strength: float,
        strength_model: float,
        offset: Any,
        function: Any,
        intermediate_dtype: torch.dtype = torch.float32,
        original_weight: Any = None,
    ) -> torch.Tensor:
        """Scale the masked entries of ``weight`` in place, as the host's other patches do."""
        packed = cast_to_device(self.weights[0], weight.device, torch.uint8)
        pruned = unpack_bits(packed, weight.shape)
        return weight.copy_(torch.where(pruned, weight * (1 - strength), weight))


def neuron_mask_patches(mask: NeuronMask) -> dict[str, NeuronMaskPatch]:
    """The patch of each layer that ``mask`` prunes a part of, by its weight's name.

    Others get none: the host rounds a quantised weight again with every patch, an empty one too.
    """
    return {
        f"{name}.weight": NeuronMaskPatch(set(), [packed])
        for name, packed in mask.bits.packed.items()
        if mask.counts[name]
    }


def apply_neuron_mask(model: ModelPatcher, mask: NeuronMask, strength: float) -> ModelPatcher:
    """A clone of ``model`` whose masked FFN2 weights are W · (1 − strength).

    Patches that ``model`` already has come first, so a LoRA loaded before is masked too. At
    strength 0 the clone gets no patch, nor does a layer that the mask leaves whole.

    Raises:
        ValueError: if the mask was made for another architecture, or the host cannot write the
            form that the weights are stored in.
    """
    layers = find_patchable_layers(model)
    require_fit(mask, model, layers)
    masked = model.clone()
    if strength == 0:
        return masked
    patches = neuron_mask_patches(mask)
    touched = {name: layer for name, layer in layers.items() if mask.counts[name]}
    for name, layer in touched.items():
        require_writable(name, layer.weight, model.load_device)
    if any(map(is_quantised, touched.values())) and model.model not in _told:
        _told.add(model.model)
        logging.info(ROUNDED_AGAIN)
    accepted = masked.add_patches(patches, strength_patch=strength)
    refused = sorted(set(patches) - set(accepted))
    if refused:
        raise ValueError(
            f"model: the host accepts no patch for {refused[0]} of {mask.model.architecture}."
        )
    return masked


def require_fit(mask: NeuronMask, model: ModelPatcher, layers: dict[str, torch.nn.Linear]) -> None:
    """Raise ValueError that names both models, unless ``mask`` was made for such a ``model``, whose
    FFN2 ``layers`` these are."""
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


def require_writable(name: str, weight: torch.Tensor, device: torch.device) -> None:
    """Refuse a weight in a form that can only be read: the host would fail as sampling begins."""
    if not isinstance(weight, QuantizedTensor):
        return
    layout = getattr(weight, "_layout_cls", None) or weight._layout_type  # 0.3.75: the latter
    try:
        QuantizedTensor.from_float(torch.ones(_TRIED, device=device), layout)
    except NotImplementedError as error:
        raise ValueError(
            f"model: {name} is stored as {layout}, which can be read and not written, so nothing "
            "can change it. Load the model in another form: fp16, bf16, fp8, int8 or nvfp4."
        ) from error
