"""Tell a UNet file's architecture from its header: no weight is read, no model is built."""

import logging
from collections.abc import Callable
from pathlib import Path

import folder_paths
import torch
from comfy.model_detection import model_config_from_unet, unet_prefix_from_state_dict
from safetensors import SafetensorError, safe_open

from ...demo_model.loader import WEIGHTS, DemoConfig
from ...fia_core import LayerShapes
from .ffn2_registry import UNET_FFN2
from .identity import architecture_text

_FFN2_WEIGHT = f".{UNET_FFN2}.weight"
_ONLY_IN_UNETS = "model_channels"  # among the sizes by which the host builds a denoiser

Shapes = dict[str, tuple[int, ...]]


def architecture_of_loader(node: str, name: str) -> str | None:
    """What ``architecture`` says of the model that a loader node gives, before it has run.

    Args:
        node: the node's id.
        name: its first widget's value, a file's name as the node lists it.

    Returns:
        None for another loader, a file that is not there, and one whose header tells nothing or
        is not a UNet's.
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
        weights = {key: torch.empty(shape, device="meta") for key, shape in header.items()}
        try:
            config = model_config_from_unet(weights, prefix)
        except (KeyError, IndexError, RuntimeError) as error:
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


def _header(path: Path) -> Shapes:
    """Every tensor's name and shape."""
    with safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _architecture(family: str, header: Shapes, prefix: str) -> str | None:
    """The text for the FFN2 layers below ``prefix``; None where there are none."""
    shapes: LayerShapes = {
        name: (shape[0], shape[1])
        for name, shape in header.items()
        if name.startswith(prefix) and name.endswith(_FFN2_WEIGHT) and len(shape) == 2
    }
    return architecture_text(family, shapes) if shapes else None
