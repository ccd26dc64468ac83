"""LoRA files: of a mask, the change of every pruned weight; of Forget LoRA, its LoRA."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import folder_paths
import safetensors.torch
import torch
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor
from safetensors import SafetensorError

from ....fia_core import NeuronMask
from ....fia_core.files.safetensors_file import whole_file
from ..model.identity import require_same_architecture
from ..model.layers import find_ffn2_layers
from ..model.lora import DescribedLora, Lora, lora_names, lora_parts, lora_size
from ..model.stored_weights import patched_weight, stored_weight

FOLDER = "loras"
_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_METADATA = "forget_it_all"


def lora_folder() -> str:
    """The folder that new LoRA files go into."""
    return folder_paths.get_folder_paths(FOLDER)[0]


@dataclass(frozen=True)
class ErasureLora:
    """−strength · (W ∘ M) of every FFN2 layer that a mask M touches, as full differences.

    W is the weight in effect: a LoRA loaded before is pruned too, and must be there when the file
    is used.

    Args:
        model: whose weights are pruned; it stays as it is.
        mask: M.
        strength: as in Apply Neuron Mask.

    Raises:
        ValueError: nothing would change, the mask is of another architecture, or FFN2 layers hold
            quantised weights; others may.
    """

    model: ModelPatcher
    mask: NeuronMask
    strength: float

    def __post_init__(self) -> None:
        layers = find_ffn2_layers(self.model)
        require_same_architecture(self.mask, self.model, layers)
        for name, layer in layers.items():
            _require_full_precision(name, layer.weight)
        if not self._names:
            raise ValueError(
                "mask: is empty, so a LoRA of it would change nothing. Raise spatial sparsity, or "
                "protect less."
            )
        _require_strength(self.strength)

    @property
    def size(self) -> int:
        """Bytes of the differences, which are as large as the weights that they change."""
        layers = find_ffn2_layers(self.model)
        return sum(prod(self.mask.shapes[n]) * layers[n].weight.dtype.itemsize for n in self._names)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: there is no room or no right to write.
        """
        about = {"concepts": self.mask.concepts, "architecture": self.mask.model.architecture}
        _write(path, self.size, self._tensors, about | {"strength": self.strength})

    @property
    def _names(self) -> list[str]:
        """The layers that the mask touches."""
        return [name for name, count in self.mask.counts.items() if count]

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Each layer's difference, by its key in the file."""
        layers = find_ffn2_layers(self.model)
        keys = lora_names(self.model)
        tensors = {}
        for name in self._names:
            key = f"{name}.weight"
            stored = stored_weight(self.model, key, layers[name].weight)
            weight = patched_weight(self.model, key, stored, self.model.load_device)
            change = weight * self.mask.layers[name].to(weight.device) * -self.strength
            tensors[f"{keys[key]}.diff"] = change.to("cpu", stored.dtype)
        return tensors


@dataclass(frozen=True)
class ForgetLoraFile:
    """A LoRA as it is, times a strength.

    Args:
        model: that it is for.
        lora: of Forget LoRA; of others the file says nothing.
        strength: any but 0.

    Raises:
        ValueError: nothing would change, or the LoRA is of another kind or of another model.
    """

    model: ModelPatcher
    lora: Lora
    strength: float

    def __post_init__(self) -> None:
        lora_parts(self.model, self.lora)
        _require_strength(self.strength)

    @property
    def size(self) -> int:
        """Bytes of its tensors."""
        return lora_size(self.lora)

    def save(self, path: Path) -> None:
        """As ``ErasureLora.save``."""
        about = self.lora.about if isinstance(self.lora, DescribedLora) else {}
        _write(path, self.size, self._tensors, {**about, "strength": self.strength})

    def _tensors(self) -> Lora:
        """The strength goes into alpha, so that no half is rounded again; its sign into one half,
        since diffusers has no end with an alpha below zero."""
        size, sign = abs(self.strength), -1 if self.strength < 0 else 1
        tensors = dict(self.lora)
        for name, part in self.lora.items():
            if name.endswith(".alpha"):
                tensors[name] = part.float() * size
            elif name.endswith(".lora_up.weight"):
                tensors[name] = part * sign
        return tensors


def megabytes(size: int) -> str:
    """``size`` bytes for people."""
    return f"{size / 1e6:,.1f} MB"


def _write(path: Path, size: int, tensors: Callable[[], Lora], about: Mapping[str, Any]) -> None:
    """Write a file whole or not at all, where there is room for it.

    It has one entry of metadata, because safetensors writes several in a different order each time.
    """
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise OSError(f"the file takes {megabytes(size)}, {megabytes(free)} are free")
    try:
        with whole_file(path) as temporary:
            safetensors.torch.save_file(tensors(), temporary, {_METADATA: json.dumps(about)})
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _require_strength(strength: float) -> None:
    if strength == 0:
        raise ValueError(
            "strength: is 0, so a LoRA of it would change nothing. Write 1, and choose the "
            "strength where the LoRA is loaded."
        )


def _require_full_precision(name: str, weight: torch.Tensor) -> None:
    if weight.dtype not in _DTYPES or isinstance(weight, QuantizedTensor):
        raise ValueError(
            f"model: {name} holds quantised weights ({weight.dtype}). Their difference would not "
            "fit the full model: load a checkpoint in fp16, bf16 or fp32, with weight_dtype "
            "default."
        )
