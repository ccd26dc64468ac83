"""The second value that travels: which weights are pruned, and its file.

File schema ``fia.neuron_mask``, version 2, one safetensors file
(``files/safetensors_file.py``). Fields:

| field | JSON type | what |
| --- | --- | --- |
| concepts | array of strings | what the mask forgets, at least 1 |
| settings | object | text to string, number, bool or null: how the mask was chosen |
| provenance | object | any JSON: where its profiles came from |
| model | object | ``architecture`` and ``fingerprint``, strings |
| layers | array | per FFN2 layer ``name`` (string), ``shape`` [C_out, C_in], ``pruned`` (number) |

One tensor per layer, before it is deflated: ``<name>.pruned``, uint8 (⌈C_out · C_in / 8⌉,), one bit
a weight, row-major, the first in the lowest bit, spare bits 0; ``pruned`` in the layer's record is
how many are set. Version 1, which is read, too, held the same tensors as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor

from .files.bits import BitLayers, count_bits, count_packed
from .files.layer_records import (
    LayerShapes,
    layer_record,
    read_layer_records,
    require_count,
    require_layer_shapes,
)
from .files.safetensors_file import (
    FilePath,
    FileSchema,
    fields,
    file_bytes,
    read_bytes,
    read_file,
    require_names,
    write_file,
)
from .files.values import Settings, require_json, require_settings, require_texts
from .identity import ModelIdentity

MASK_SCHEMA = FileSchema("fia.neuron_mask", 2, 2**30, "neuron mask", plain_version=1)
PLAIN_MASK_SCHEMA = replace(MASK_SCHEMA, version=1)


@dataclass(frozen=True, eq=False)
class NeuronMask:
    """Which weights of a model's FFN2 layers are pruned to forget concepts.

    Args:
        layers: module name of each layer and its mask, bool (C_out, C_in) on the CPU, True where
            the weight is pruned; kept at one bit a weight.
        model: the model that the mask is made for.
        concepts: what it forgets, at least one.
        settings: how it was chosen (spatial sparsity, granularity …), JSON scalars.
        provenance: where it comes from, any JSON object.

    Raises:
        ValueError: a field of another type or out of its range.
    """

    layers: Mapping[str, Tensor]
    model: ModelIdentity
    concepts: tuple[str, ...]
    settings: Settings
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.layers, BitLayers):
            _require_masks(self.layers)
            object.__setattr__(self, "layers", BitLayers.pack(self.layers))
        require_texts("concepts", self.concepts)
        require_settings("settings", self.settings)
        require_json("provenance", self.provenance)

    @property
    def bits(self) -> BitLayers:
        """The layers as they are kept."""
        assert isinstance(self.layers, BitLayers)
        return self.layers

    @property
    def shapes(self) -> LayerShapes:
        """Each layer's weight shape (C_out, C_in)."""
        return self.bits.shapes

    @property
    def weights(self) -> int:
        """How many weights the layers have."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many weights of each layer are pruned."""
        return {name: count_packed(packed) for name, packed in self.bits.packed.items()}

    @property
    def count(self) -> int:
        """How many weights are pruned."""
        return sum(self.counts.values())

    @property
    def model_weights(self) -> int | None:
        """Weights of the whole denoiser, as a profile that it was made from recorded them, through
        fusions of fusions; None where none did."""
        waiting: list[Mapping[str, Any]] = [self.provenance]
        while waiting:
            record = waiting.pop()
            settings, origins = record.get("profile_settings"), record.get("masks")
            weights = settings.get("model_weights") if isinstance(settings, dict) else None
            if type(weights) is int and weights > 0:
                return weights
            for origin in reversed(origins if isinstance(origins, list) else []):
                below = origin.get("provenance") if isinstance(origin, dict) else None
                if isinstance(below, dict):
                    waiting.append(below)
        return None

    def origin_record(self) -> dict[str, Any]:
        """The record of this mask in one that is fused from it, JSON."""
        return {
            "concepts": list(self.concepts),
            "settings": self.settings,
            "provenance": self.provenance,
        }

    def _comfy_cache_tensors(self) -> list[Tensor]:
        """All tensors that it holds: how ComfyUI after 0.33 asks what an output takes in memory."""
        return list(self.bits.packed.values())

    def to_bytes(self, plain: bool = False) -> bytes:
        """The bytes of the mask's file; the same mask always gives the same.

        Args:
            plain: in the version that is not deflated, for those who compress the whole.
        """
        content = {
            "concepts": self.concepts,
            "settings": self.settings,
            "provenance": self.provenance,
            "model": self.model.record(),
            "layers": [
                layer_record(name, shape, "pruned", self.counts[name])
                for name, shape in self.shapes.items()
            ],
        }
        tensors = {f"{name}.pruned": packed for name, packed in self.bits.packed.items()}
        return file_bytes(PLAIN_MASK_SCHEMA if plain else MASK_SCHEMA, content, tensors)

    @classmethod
    def from_bytes(cls, data: bytes, max_bytes: int = MASK_SCHEMA.max_bytes) -> "NeuronMask":
        """Read the bytes of a mask's file, every field checked.

        Args:
            data: what ``to_bytes`` gives, or anything else.
            max_bytes: most that its tensors may unpack to.

        Raises:
            ValueError: damaged, larger, or not a neuron mask of this version.
        """
        return read_bytes(data, replace(MASK_SCHEMA, max_bytes=max_bytes), cls._from_file)

    def save(self, path: FilePath) -> None:
        """Write the mask's file, whole or not at all.

        Raises:
            FIAFileError: the file cannot be written.
        """
        write_file(path, MASK_SCHEMA, self.to_bytes())

    @classmethod
    def load(cls, path: FilePath, name: str | None = None) -> "NeuronMask":
        """Read a mask's file, every field checked.

        Args:
            path: the file.
            name: what to call the file in an error; its path where None.

        Raises:
            FIAFileError: missing, damaged, or not a neuron mask of this version.
        """
        return read_file(path, MASK_SCHEMA, cls._from_file, name)

    @classmethod
    def _from_file(cls, content: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "NeuronMask":
        fields("content", content, _CONTENT)
        records = read_layer_records(content["layers"], "pruned")
        require_names(tensors, [f"{name}.pruned" for name in records])
        shapes = {name: shape for name, (shape, _) in records.items()}
        layers = BitLayers(shapes, {name: tensors[f"{name}.pruned"] for name in records})
        for name, (_, count) in records.items():
            require_count(name, "pruned", count, count_bits(layers[name]))
        return cls(
            layers=layers,
            model=ModelIdentity.from_record(content["model"]),
            concepts=tuple(content["concepts"]),
            settings=content["settings"],
            provenance=content["provenance"],
        )


def _require_masks(layers: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless all are bool (C_out, C_in) on the CPU."""
    for name, mask in layers.items():
        if mask.dtype != torch.bool or mask.device.type != "cpu":
            raise ValueError(
                f"layers: {name} is {mask.dtype} on {mask.device}; give bool on the CPU."
            )
    require_layer_shapes("layers", {name: mask.shape for name, mask in layers.items()})


_CONTENT = {
    "concepts": list,
    "settings": dict,
    "provenance": dict,
    "model": dict,
    "layers": list,
}
