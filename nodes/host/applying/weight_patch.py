"""Put a neuron mask into the host's stack of weight patches."""

import logging
from typing import Any
from weakref import WeakSet

import torch
from comfy.model_management import cast_to_device
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter.base import WeightAdapterBase

from ....fia_core import NeuronMask
from ....fia_core.files.bits import unpack_bits
from ..model.compiled import require_patches_at_load
from ..model.identity import require_same_architecture
from ..model.layers import find_patchable_layers, is_quantised, require_writable

_told: WeakSet[torch.nn.Module] = WeakSet()  # models whose user knows that their weights move

ROUNDED_AGAIN = (
    "Apply Neuron Mask: this model's weights are quantised. ComfyUI rounds them again with every "
    "patch, so those that the mask keeps can move, too: by up to 4 % in fp8 (8 % in e5m2), 2 % in "
    "int8, 18 % in nvfp4, 11 % in asym_w4a8_int8 and 22 % in convrot_w4a4, root mean square of a "
    "layer. Where weights are stored rotated, as much is left of pruned ones. The node's help page "
    "has more."
)


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
        """Scale the pruned entries of ``weight`` in place, as the host's other patches do."""
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
    """A clone of ``model`` whose pruned FFN2 weights are W · (1 − strength).

    Patches that ``model`` already has come first, so a LoRA loaded before is pruned too. At
    strength 0 the clone gets no patch, nor does a layer that the mask leaves whole.

    Raises:
        ValueError: if the mask was made for another architecture, or the host cannot write the
            form that the weights are stored in. Loading the clone raises it, too, where another
            node has compiled its modules meanwhile.
    """
    layers = find_patchable_layers(model)
    require_same_architecture(mask, model, layers)
    pruned = model.clone()
    if strength == 0:
        return pruned
    patches = neuron_mask_patches(mask)
    touched = {name: layer for name, layer in layers.items() if mask.counts[name]}
    for name, layer in touched.items():
        require_writable(name, layer.weight, model.load_device)
    if any(map(is_quantised, touched.values())) and model.model not in _told:
        _told.add(model.model)
        logging.info(ROUNDED_AGAIN)
    accepted = pruned.add_patches(patches, strength_patch=strength)
    refused = sorted(set(patches) - set(accepted))
    if refused:
        raise ValueError(
            f"model: the host accepts no patch for {refused[0]} of {mask.model.architecture}."
        )
    require_patches_at_load(pruned)
    return pruned
