"""Modules that other nodes compile, and patches of weights that must not get lost there.

ComfyUI's own TorchCompileModel compiles for the time of a denoiser call. Nodes of some packs put a
compiled module in the place of the denoiser or a block as the model is loaded. Its weights have
other names, so patches find nothing there, and the host does not say so.
"""

from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import CallbacksMP
from comfy.utils import get_attr, set_attr

GUARD_KEY = "forget_it_all"

_INNER = "_orig_mod"  # where torch.compile keeps the module that it was given


def plain_module(module: Any) -> Any:
    """A module, or whatever else an object patch holds, as it was before torch.compile."""
    return getattr(module, _INNER, module)


def require_plain_modules(model: ModelPatcher) -> None:
    """Put back the model's own modules where a loaded clone has compiled ones; the host puts those
    in again when it loads that clone.

    Raises:
        ValueError: a module was compiled in its place, for every clone.
    """
    for name, own in model.object_patches_backup.items():
        if _is_compiled(get_attr(model.model, name)):
            set_attr(model.model, name, own)
    for name, module in model.model.named_modules():
        if _is_compiled(module):
            raise _out_of_reach(name)


def remove_compiled(clone: ModelPatcher) -> None:
    """Let ``clone`` run its modules as they were before other nodes compiled them."""
    for name, patch in list(clone.object_patches.items()):
        if _is_compiled(patch):
            del clone.object_patches[name]
            plain = plain_module(patch)
            if plain is not clone.get_model_object(name):  # it was replaced before it was compiled
                clone.add_object_patch(name, plain)


def refuse_compiled(model: ModelPatcher) -> None:
    """Refuse a model that will have compiled modules when it is loaded.

    Raises:
        ValueError: the message names the module.
    """
    for name, patch in model.object_patches.items():
        if _is_compiled(patch):
            raise _out_of_reach(name)


def require_patches_at_load(model: ModelPatcher) -> None:
    """Let loading ``model``, or a clone of it that other nodes make, fail with a ValueError if a
    weight that has a patch is no longer there by its name."""
    model.remove_callbacks_with_key(CallbacksMP.ON_LOAD, GUARD_KEY)
    model.add_callback_with_key(CallbacksMP.ON_LOAD, GUARD_KEY, require_patched_weights)


def require_patched_weights(loaded: ModelPatcher, *_: Any) -> None:
    """What ``require_patches_at_load`` lets the host call."""
    lost = sorted(loaded.patches.keys() - loaded.model.state_dict().keys())
    if lost:
        raise _out_of_reach(lost[0])


def _is_compiled(module: Any) -> bool:
    return isinstance(module, torch.nn.Module) and hasattr(module, _INNER)


def _out_of_reach(name: str) -> ValueError:
    return ValueError(
        f"model: another node puts a compiled module, or one of its own, in place of {name}, and "
        "patches of weights are lost there. Leave that node out; to compile, use ComfyUI's own "
        "TorchCompileModel."
    )
