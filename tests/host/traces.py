"""Count what stays behind in a model: hooks on modules, patches and wrappers on the patcher."""

from collections import Counter
from functools import cache
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from tiny_model import TinyModel, tiny_sd

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
EXTRAS = ("wrappers", "callbacks", "injections", "attachments", "hook_patches")
MODULE_LISTS = ("weight_function", "bias_function")


def traces(tiny: TinyModel) -> Counter[str]:
    """How many of each kind a model, its text encoder and its autoencoder have."""
    found: Counter[str] = Counter()
    for patcher in (tiny.model, tiny.clip.patcher, tiny.vae.patcher):
        found += of_patcher(patcher)
        for module in patcher.model.modules():
            found += of_module(module)
    return found


@cache
def traces_of_a_new_model() -> Counter[str]:
    """As the host makes it: newer ones patch their own text encoder."""
    return traces(tiny_sd())


def of_patcher(patcher: ModelPatcher) -> Counter[str]:
    options = patcher.model_options.get("transformer_options", {})
    return +Counter(
        {
            "patches": len(patcher.patches) + len(patcher.object_patches),
            "weight wrappers": len(patcher.weight_wrapper_patches),
            "model options": len(patcher.model_options.keys() - {"transformer_options"}),
            "transformer options": sum(bool(value) for value in options.values()),
            **{name: sum(map(len, getattr(patcher, name).values())) for name in EXTRAS[:2]},
            **{name: len(getattr(patcher, name)) for name in EXTRAS[2:]},
        }
    )


def of_module(module: torch.nn.Module) -> Counter[str]:
    """Hooks, and a forward or a weight's function that something has put in."""
    own: dict[str, Any] = vars(module)
    return +Counter(
        {
            "hooks": sum(len(own[name]) for name in HOOKS),
            "replaced forwards": int("forward" in own),
            "weight functions": sum(len(own.get(name) or ()) for name in MODULE_LISTS),
        }
    )
