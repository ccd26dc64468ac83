"""Run the benchmarks' methods on a model in the host."""

from typing import Any

import torch
from tiny_model import TinyModel

FEW: dict[str, Any] = {
    "contexts": ("park", "room", "forest"),
    "seed": 3,
    "steps": 6,
    "profile_steps": 2,
    "cfg": 4.0,
    "width": 64,
    "height": 64,
    "batch_size": 3,  # a group, so that all cut the prompts alike
}
"""Few prompts and steps, small pictures."""


def after(extension: Any, function: str, tiny: TinyModel, *concepts: str, **settings: Any) -> Any:
    """The result of a method, ``module.function`` of ``benchmarks/forget``; church by default."""
    module, _, name = function.rpartition(".")
    method = getattr(extension.module(f"benchmarks.forget.{module}"), name)
    return method(tiny.model, tiny.clip, concepts or ("church",), **settings)


def prompts(extension: Any, group: str = "Prompts", **changes: Any) -> Any:
    """A group of ``benchmarks/forget/settings.py`` with ``FEW`` and these changes."""
    groups: Any = extension.module("benchmarks.forget.settings")
    return getattr(groups, group)(**{**FEW, **changes})


def random(*shape: int, seed: int) -> torch.Tensor:
    """Normal noise, float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
