"""Tell a UNet file's architecture from its header: no weight is read, no model is built."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import folder_paths
import torch
from comfy.model_detection import model_config_from_unet, unet_prefix_from_state_dict
from safetensors import SafetensorError, safe_open

from ....demo_model.loader import WEIGHTS, DemoConfig
from ....fia_core import LayerShapes
from .families import UNET_FFN2
from .identity import architecture_text

_FFN2_WEIGHT = f".{UNET_FFN2}.weight"
_ONLY_IN_UNETS = "model_channels"  # among the sizes by which the host builds a denoiser


class Entry(NamedTuple):
    """A tensor's entry in a file's header."""

    dtype: str  # by safetensors' name, such as "F16"
    shape: tuple[int, ...]


Header = dict[str, Entry]


def architecture_of_loader(node: str, name: str) -> str | None:
    """The ``architecture`` of the model that a loader node will give, before it has run.

    Args:
        node: the node's id.
        name: its first widget's value, a file's name as the node lists it.

    Returns:
        None for another loader, a file that is not there, and one whose header tells nothing, is
        not a UNet's, or packs weights so that their shape there is not the layer's.
    """
    reader = _READERS.get(node)
    try:
        return reader(name) if reader else None
    except (OSError, SafetensorError) as error:
        logging.info("Load Neuron Mask: %s does not tell its architecture (%s)", name, error)
        return None


def _demo_model(_: str) -> str | None:
    return _architecture(DemoConfig.__name__, _header(WEIGHTS), "denoiser.")


def _file_in(folder: str) -> Callable[[str], str | None]:
    def read(name: str) -> str | None:
        if name not in folder_paths.get_filename_list(folder):
            return None
        path = Path(folder_paths.get_full_path_or_raise(folder, name))
        if path.suffix != ".safetensors":
            return None
        header = _header(path)
        prefix = unet_prefix_from_state_dict(header)
        if not any(key.startswith(prefix) for key in header):
            prefix = ""
        weights = {key: torch.empty(entry.shape, device="meta") for key, entry in header.items()}
        try:
            config = model_config_from_unet(weights, prefix)
        except (AttributeError, KeyError, IndexError, RuntimeError) as error:
            # It reads values of some families, and a header has none.
            raise SafetensorError(f"the host cannot tell the family: {error}") from error
        if config is None or _ONLY_IN_UNETS not in config.unet_config:
            return None
        return _architecture(type(config).__name__, header, prefix)

    return read


_READERS = {
    "FIADemoModel": _demo_model,
    "CheckpointLoaderSimple": _file_in("checkpoints"),
    "UNETLoader": _file_in("diffusion_models"),
}


def _header(path: Path) -> Header:
    """Every tensor's name, kind of numbers and shape."""
    with safe_open(path, "pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        return {
            name: Entry(str(part.get_dtype()), tuple(part.get_shape()))
            for name, part in slices.items()
        }


def _architecture(family: str, header: Header, prefix: str) -> str | None:
    """The text for the FFN2 layers below ``prefix``; None where there are none or are packed."""
    ffn2 = {
        name: entry
        for name, entry in header.items()
        if name.startswith(prefix) and name.endswith(_FFN2_WEIGHT) and len(entry.shape) == 2
    }
    if not ffn2 or any("F" not in entry.dtype for entry in ffn2.values()):
        return None
    shapes: LayerShapes = {name: (rows, columns) for name, (_, (rows, columns)) in ffn2.items()}
    return architecture_text(family, shapes)
