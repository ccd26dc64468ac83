"""The first value that travels: a concept's profile, and its file.

File schema ``fia.concept_profile``, version 2, one safetensors file
(``files/safetensors_file.py``). Fields:

| field | JSON type | what |
| --- | --- | --- |
| concept | string | the concept's words |
| kind | string | "object", "explicit content" or "art style" |
| concept_prompts | array of strings | at least 1 |
| base_prompts | array of strings | at least 2 |
| settings | object | text to string, number, bool or null: how it was profiled |
| model | object | ``architecture`` and ``fingerprint``, strings |
| layers | array | per FFN2 layer ``name`` (string), ``shape`` [C_out, C_in], ``kept`` (number) |

Tensors per layer, before they are deflated: ``<name>.kept``, uint8 (⌈C_out · C_in / 8⌉,), one bit a
weight, row-major, the first in the lowest bit, spare bits 0; ``<name>.values``, uint8 (4 · kept,),
the sensitivities of the set bits in row-major order, all above 0, as float32 in planes of bytes,
the lowest bytes first. Together at most 0.125 + 0.2 · 4 = 0.925 byte a weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .equations.checks import decimal_share, finite_float32, require_choice, share_count
from .equations.selection import top_entries
from .equations.sensitivity import select_entries
from .files.bits import count_bits, pack_bits, set_places, unpack_bits
from .files.compression import byte_planes, from_byte_planes
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
    read_file,
    require_names,
    write_file,
)
from .files.values import Settings, require_settings, require_text, require_texts
from .identity import ModelIdentity
from .prompts import KINDS

MAX_SPATIAL_SPARSITY = 0.10
"""Largest spatial sparsity that a profile can answer without loss."""

PROFILE_SCHEMA = FileSchema("fia.concept_profile", 2, 4 * 2**30, "concept profile", runs_only=True)


@dataclass(frozen=True, eq=False)
class SparseSensitivity:
    """A layer's sensitivity, of which only entries are kept that a selection can reach.

    Kept is the union of the largest 10 % of each row and the largest 10 % of the layer, ties to
    the lower flat index. So ``concept_sensitive_mask`` of ``dense()`` is bit-equal to that of the
    whole A for every granularity and every spatial sparsity up to ``MAX_SPATIAL_SPARSITY``.

    Args:
        shape: (C_out, C_in).
        kept: uint8 (⌈C_out · C_in / 8⌉,) on the CPU, one bit a weight (``files/bits.py``).
        values: float32 (kept entries,) on the CPU, in row-major order, all above 0.

    Raises:
        ValueError: the three do not fit together, or a value is not finite and above 0.
    """

    shape: tuple[int, int]
    kept: Tensor
    values: Tensor

    def __post_init__(self) -> None:
        count = count_bits(unpack_bits(self.kept, self.shape))
        if self.values.dtype != torch.float32 or tuple(self.values.shape) != (count,):
            raise ValueError(
                f"values: is {self.values.dtype} of shape {tuple(self.values.shape)}; "
                f"give float32 of shape {(count,)}, one a kept entry."
            )
        if not (torch.isfinite(self.values) & (self.values > 0)).all():
            raise ValueError("values: has one that is not above 0 and finite; give only such.")

    @classmethod
    def from_dense(cls, sensitivity: Tensor) -> "SparseSensitivity":
        """Keep of A, (C_out, C_in) of any float dtype and device, what a selection can reach.

        Raises:
            ValueError: wrong rank, empty, NaN or infinity.
        """
        sensitivity = finite_float32("sensitivity", sensitivity, ("C_out", "C_in"))
        share = decimal_share("MAX_SPATIAL_SPARSITY", MAX_SPATIAL_SPARSITY)
        channels, inputs = sensitivity.shape
        of_rows = top_entries(sensitivity, share_count(share, inputs))
        of_layer = top_entries(sensitivity.reshape(1, -1), share_count(share, channels * inputs))
        kept = of_rows | of_layer.view(channels, inputs)
        return cls((channels, inputs), pack_bits(kept), sensitivity[kept].cpu())

    def concept_sensitive_mask(
        self, spatial_sparsity: float, granularity: str = "both", device: torch.device | str = "cpu"
    ) -> Tensor:
        """Eq. 4-6, as ``concept_sensitive_mask`` of the whole A.

        Args:
            spatial_sparsity: r2 in (0, ``MAX_SPATIAL_SPARSITY``].
            granularity: "both", "channel" or "layer".
            device: where to select.

        Returns:
            (C_out, C_in) bool on ``device``, True for a concept-sensitive weight.

        Raises:
            ValueError: a sparsity outside the range, unknown granularity.
        """
        share = decimal_share("spatial_sparsity", spatial_sparsity)
        if share > decimal_share("MAX_SPATIAL_SPARSITY", MAX_SPATIAL_SPARSITY):
            raise ValueError(
                f"spatial_sparsity: is {spatial_sparsity!r}; give at most {MAX_SPATIAL_SPARSITY}, "
                "the share of a layer that a profile keeps."
            )
        places = set_places(self.kept, self.shape).to(device)
        return select_entries(places, self.values.to(device), self.shape, share, granularity)

    def dense(self) -> Tensor:
        """A, (C_out, C_in) float32 on the CPU; entries that were not kept are 0."""
        return torch.zeros(self.shape).masked_scatter_(
            unpack_bits(self.kept, self.shape), self.values
        )


@dataclass(frozen=True, eq=False)
class ConceptProfile:
    """One concept in one model: the result of stage 1 and Eq. 3.

    Args:
        concept: the concept's words.
        kind: one of ``KINDS``.
        concept_prompts: the prompts with the concept, at least 1.
        base_prompts: the prompts without it, at least 2 (σ_b of one prompt is 0).
        settings: how it was profiled (seed, steps, temporal sparsity …), JSON scalars.
        model: the model that was profiled.
        layers: module name of each FFN2 layer and its sensitivity.

    Raises:
        ValueError: a field of another type or out of its range.
    """

    concept: str
    kind: str
    concept_prompts: tuple[str, ...]
    base_prompts: tuple[str, ...]
    settings: Settings
    model: ModelIdentity
    layers: dict[str, SparseSensitivity]

    def __post_init__(self) -> None:
        require_text("concept", self.concept)
        require_choice("kind", self.kind, KINDS)
        require_texts("concept_prompts", self.concept_prompts)
        require_texts("base_prompts", self.base_prompts, least=2)
        require_settings("settings", self.settings)
        require_layer_shapes("layers", self.shapes)

    @property
    def shapes(self) -> LayerShapes:
        """Each layer's weight shape (C_out, C_in)."""
        return {name: layer.shape for name, layer in self.layers.items()}

    def _comfy_cache_tensors(self) -> list[Tensor]:
        """All tensors that it holds: how ComfyUI after 0.33 asks what an output takes in memory."""
        return [tensor for layer in self.layers.values() for tensor in (layer.kept, layer.values)]

    def save(self, path: FilePath) -> None:
        """Write the profile's file, whole or not at all.

        Raises:
            FIAFileError: the file cannot be written.
        """
        content = {
            "concept": self.concept,
            "kind": self.kind,
            "concept_prompts": self.concept_prompts,
            "base_prompts": self.base_prompts,
            "settings": self.settings,
            "model": self.model.record(),
            "layers": [
                layer_record(name, layer.shape, "kept", layer.values.numel())
                for name, layer in self.layers.items()
            ],
        }
        tensors = {}
        for name, layer in self.layers.items():
            tensors[f"{name}.kept"] = layer.kept
            tensors[f"{name}.values"] = byte_planes(layer.values)
        write_file(path, PROFILE_SCHEMA, file_bytes(PROFILE_SCHEMA, content, tensors))

    @classmethod
    def load(cls, path: FilePath) -> "ConceptProfile":
        """Read a profile's file, every field checked.

        Raises:
            FIAFileError: missing, damaged, or not a concept profile of this version.
        """
        return read_file(path, PROFILE_SCHEMA, cls._from_file)

    @classmethod
    def _from_file(
        cls, content: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> "ConceptProfile":
        fields("content", content, _CONTENT)
        records = read_layer_records(content["layers"], "kept")
        require_names(tensors, [f"{name}.{part}" for name in records for part in _PARTS])
        layers = {}
        for name, (shape, count) in records.items():
            values = from_byte_planes(tensors[f"{name}.values"])
            layer = SparseSensitivity(shape, tensors[f"{name}.kept"], values)
            require_count(name, "kept", count, layer.values.numel())
            layers[name] = layer
        return cls(
            concept=content["concept"],
            kind=content["kind"],
            concept_prompts=tuple(content["concept_prompts"]),
            base_prompts=tuple(content["base_prompts"]),
            settings=content["settings"],
            model=ModelIdentity.from_record(content["model"]),
            layers=layers,
        )


_PARTS = ("kept", "values")
_CONTENT = {
    "concept": str,
    "kind": str,
    "concept_prompts": list,
    "base_prompts": list,
    "settings": dict,
    "model": dict,
    "layers": list,
}
