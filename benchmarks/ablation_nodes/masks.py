"""Masks that the shipped nodes do not make, and masks on any linear layers of a model."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher

from ...fia_core import NeuronMask
from ...nodes.host.erasing.weight_patch import neuron_mask_patches
from ...nodes.host.model.layers import find_ffn2_layers


def union_mask(masks: Sequence[NeuronMask]) -> NeuronMask:
    """Every weight that any of the masks holds."""
    first = masks[0]
    layers = {
        name: torch.stack([mask.layers[name] for mask in masks]).any(0) for name in first.layers
    }
    concepts = tuple(concept for mask in masks for concept in mask.concepts)
    return replace(first, layers=layers, concepts=concepts, settings={"fusion": "union"})


def random_mask(mask: NeuronMask, seed: int) -> NeuronMask:
    """As many weights of each layer as ``mask`` holds, drawn without replacement."""
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name, pruned in mask.layers.items():
        order = torch.randperm(pruned.numel(), generator=generator)
        layers[name] = _with(pruned, order[: int(pruned.sum())])
    return replace(mask, layers=layers, settings={"choice": "random", "seed": seed})


def magnitude_mask(model: ModelPatcher, mask: NeuronMask) -> NeuronMask:
    """As many weights of each layer as ``mask`` holds, the largest in magnitude.

    The weights are those that the model was loaded with; patches are not counted in.
    """
    modules, layers = find_ffn2_layers(model), {}
    for name, pruned in mask.layers.items():
        weight = modules[name].weight
        largest = weight.detach().float().cpu().abs().flatten().topk(int(pruned.sum())).indices
        layers[name] = _with(pruned, largest)
    return replace(mask, layers=layers, settings={"choice": "magnitude"})


def apply_to_layers(model: ModelPatcher, mask: NeuronMask, strength: float) -> ModelPatcher:
    """A clone of ``model`` whose masked weights are W · (1 − strength), in whichever layers.

    Raises:
        ValueError: the model has not all of the mask's layers.
    """
    masked = model.clone()
    patches = neuron_mask_patches(mask)
    refused = sorted(set(patches) - set(masked.add_patches(patches, strength_patch=strength)))
    if refused:
        raise ValueError(f"mask: the model has no {refused[0]}. Use the model it was made for.")
    return masked


def _with(like: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """A bool mask of the shape of ``like`` that holds the flat indices ``chosen``."""
    mask = torch.zeros(like.numel(), dtype=torch.bool)
    mask[chosen] = True
    return mask.reshape(like.shape)
