"""A model's weights as they were loaded, whatever patches are in place now."""

from collections.abc import Iterator

import torch
from comfy.model_patcher import ModelPatcher


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


def stored_weights(model: ModelPatcher, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and content of all parameters and saved buffers whose names begin with ``prefix``.

    The host's own ``get_key_patches`` fails on quantised layers of newer hosts: a scale that is a
    tensor of its own in a file is a part of the weight in the layer.
    """
    saved = model.model_state_dict()
    for key, now in (*model.model.named_parameters(), *model.model.named_buffers()):
        if key.startswith(prefix) and key in saved:
            yield key, stored_weight(model, key, now)
