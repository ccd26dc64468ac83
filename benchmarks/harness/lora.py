"""The LoRA of the benchmarks' conditions: watercolour, trained by ``benchmarks/train_lora.py``."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.environment import ROOT

from .suite import Condition

LORA = ROOT / "benchmarks" / "loras" / "watercolor.safetensors"
LORA_NODE: tuple[str, Mapping[str, Any]] = (
    "LoraLoaderModelOnly",
    {"lora_name": LORA.name, "strength_model": 1.0},
)
"""The host's node and its settings."""


def loras(conditions: Iterable[Condition]) -> tuple[Path, ...]:
    """The file, if a condition loads it."""
    return (LORA,) if any("lora" in condition.sampling for condition in conditions) else ()
