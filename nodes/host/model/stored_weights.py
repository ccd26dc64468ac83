"""A model's weights as they were loaded, whatever patches are in place now, and as patched."""

from collections.abc import Iterator

import torch
from comfy.lora import calculate_weight
from comfy.model_management import cast_to_device
from comfy.model_patcher import ModelPatcher, get_key_weight


def stored_weight(model: ModelPatcher, key: str, now: torch.Tensor) -> torch.Tensor:
    """The weight called ``key`` without patches.

    Args:
        model: the patcher of a model that may be loaded and patched.
        key: the weight's name in ``model.model``.
        now: what the module holds, which is the answer unless the host keeps a backup.
    """
    if key in model.hook_backup:
        return model.hook_backup[key][0]
    if key in model.backup:
        return model.backup[key].weight
    # Newer hosts also move buffers, and keep those that were.
    return getattr(model, "backup_buffers", {}).get(key, now)


def patched_weight(
    model: ModelPatcher, key: str, stored: torch.Tensor, device: torch.device
) -> torch.Tensor:
    """A copy of the weight called ``key`` in effect, with every patch of ``model`` applied.

    Args:
        model: the patcher.
        key: the weight's name in ``model.model``.
        stored: the weight without patches, from ``stored_weight``.
        device: where it is computed.

    Returns:
        float32 of the weight's shape, where the host's own conversion of quantised ones is.
    """
    _, _, unpack = get_key_weight(model.model, key)
    weight = cast_to_device(stored, device, torch.float32, copy=True)
    if unpack is not None:
        weight = unpack(weight, inplace=True)
    return calculate_weight(model.patches.get(key, []), weight, key)


def stored_weights(model: ModelPatcher, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and content of all parameters and saved buffers whose names begin with ``prefix``.

    The host's own ``get_key_patches`` fails on quantised layers of newer hosts: a scale that is a
    tensor of its own in a file is a part of the weight in the layer.
    """
    saved = model.model_state_dict()
    for key, now in (*model.model.named_parameters(), *model.model.named_buffers()):
        if key.startswith(prefix) and key in saved:
            yield key, stored_weight(model, key, now)
