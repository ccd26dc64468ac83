"""The FFN2 layers of a profile or a mask: names, shapes, and how a file records them."""

from collections.abc import Mapping, Sequence
from typing import Any

from .safetensors_file import fields

LayerShapes = dict[str, tuple[int, int]]
"""Module name of each FFN2 layer and its weight's shape (C_out, C_in)."""

MAX_LAYERS = 10_000
"""Most layers that a file may have; the largest known models have some hundreds."""


def require_layer_shapes(name: str, layers: Mapping[str, Sequence[int]]) -> None:
    """Raise ValueError unless ``layers`` maps names to shapes of two sizes of at least 1."""
    if not layers:
        raise ValueError(f"{name}: is empty; give at least one FFN2 layer.")
    for layer, shape in layers.items():
        if not isinstance(layer, str) or not layer:
            raise ValueError(f"{name}: has a layer named {layer!r}; give a module name.")
        if len(shape) != 2 or not all(type(size) is int and size >= 1 for size in shape):
            raise ValueError(f"{name}: {layer} has shape {tuple(shape)}; give (C_out, C_in).")


def layer_record(name: str, shape: Sequence[int], count_name: str, count: int) -> dict[str, Any]:
    """A layer as a JSON object of three fields, the last named ``count_name``."""
    return {"name": name, "shape": list(shape), count_name: count}


def read_layer_records(
    records: Sequence[Any], count_name: str
) -> dict[str, tuple[tuple[int, int], int]]:
    """Name to shape and count of each layer of a file, in the file's order.

    Raises:
        ValueError: a record is malformed, a layer comes twice, or there are too many.
    """
    if len(records) > MAX_LAYERS:
        raise ValueError(f"layers: has {len(records):,}, more than the {MAX_LAYERS:,} allowed")
    layers: dict[str, tuple[tuple[int, int], int]] = {}
    for record in records:
        layer = fields("layers", record, {"name": str, "shape": list, count_name: int})
        require_layer_shapes("layers", {layer["name"]: layer["shape"]})
        if layer["name"] in layers:
            raise ValueError(f"layers: has {layer['name']} twice")
        channels, inputs = layer["shape"]
        layers[layer["name"]] = (channels, inputs), layer[count_name]
    return layers


def require_count(layer: str, count_name: str, recorded: int, found: int) -> None:
    """Raise ValueError unless a layer holds as many entries as its record says."""
    if recorded != found:
        raise ValueError(f"layers: {layer} has {count_name} {recorded}, its tensor {found}")
