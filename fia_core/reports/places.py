"""Where an FFN2 layer sits in its model: the order from input to output, and names for people."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

PARTS = {"input_blocks": "in", "middle_block": "mid", "output_blocks": "out"}
"""The parts of a Stable Diffusion UNet in the order of the data, and their short names."""

SHORT_WORDS = {
    "img_mlp": "img",
    "txt_mlp": "txt",
    "x_block": "img",
    "context_block": "txt",
    "mlpX": "img",
    "mlpC": "txt",
    "double_layers": "d",
    "single_layers": "s",
}
"""Short names of the streams and parts of transformers that have several."""

_UNET_LAYER = re.compile(
    rf"({'|'.join(PARTS)})\.(\d+)(?:\.(\d+))?\.transformer_blocks\.(\d+)\.", re.ASCII
)


@dataclass(frozen=True)
class LayerPlace:
    """A layer's names for people.

    Attributes:
        block: the block that it belongs to, such as "in 4".
        label: the layer itself, such as "in 4.0"; as the block where no block has several layers.
    """

    block: str
    label: str


def layer_places(names: Sequence[str]) -> dict[str, LayerPlace]:
    """Places of all layers of a model, by module name, from the model's input to its output.

    Names of a UNet ("…input_blocks.4.1.transformer_blocks.0.ff.net.2") are ordered and shortened by
    part, block and layer. Others keep their order, lose what all of them begin and end with, and
    call the streams of a transformer "img" and "txt".
    """
    return _unet_places(names) or {
        name: LayerPlace(label, label)
        for name, label in zip(names, map(_short_words, _shortened(names)), strict=True)
    }


def _unet_places(names: Sequence[str]) -> dict[str, LayerPlace] | None:
    """Places of a UNet's layers; None if a name is no such layer's, or two would look the same."""
    order: dict[str, tuple[int, int, int]] = {}
    places: dict[str, LayerPlace] = {}
    for name in names:
        match = _UNET_LAYER.search(name)
        if match is None:
            return None
        part, block, _, layer = match.groups()
        label = PARTS[part] if part == "middle_block" else f"{PARTS[part]} {block}"
        places[name] = LayerPlace(label, f"{label}.{layer}")
        order[name] = (list(PARTS).index(part), int(block), int(layer))
    if len({place.label for place in places.values()}) < len(names):
        return None
    if len({place.block for place in places.values()}) == len(names):
        places = {name: LayerPlace(place.block, place.block) for name, place in places.items()}
    return {name: places[name] for name in sorted(names, key=order.__getitem__)}


def _short_words(label: str) -> str:
    return ".".join(SHORT_WORDS.get(word, word) for word in label.split("."))


def _shortened(names: Sequence[str]) -> list[str]:
    """The dotted parts of each name from the first to the last that differ somewhere.

    A single name keeps its last two parts.
    """
    paths = [name.split(".") for name in names]
    if len(paths) == 1:
        return [".".join(paths[0][-2:])]
    start = _common_start(paths)
    end = _common_start([path[start:][::-1] for path in paths])
    return [
        ".".join(path[start : len(path) - end]) or name
        for name, path in zip(names, paths, strict=True)
    ]


def _common_start(paths: Sequence[Sequence[str]]) -> int:
    """How many parts all paths begin with."""
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False)))
