"""The LoRA of conditions: watercolour, trained by ``demo_model/training/train_lora.py``."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.environment import ROOT

from .suite import Condition

LORA = ROOT / "benchmarks" / "loras" / "watercolor.safetensors"
LORA_NODE: tuple[str, Mapping[str, Any]] = (
    "LoraLoaderModelOnly",
    {"lora_name": LORA.name, "strength_model": 0.6},
)
"""The host's node and its settings. At strength 1 the LoRA, which has seen each object twice, takes
some objects away; the strength was chosen on eight pictures with a seed that no suite has."""


def loras(conditions: Iterable[Condition]) -> tuple[Path, ...]:
    """The file, if a condition loads it."""
    return (LORA,) if any("lora" in condition.sampling for condition in conditions) else ()
