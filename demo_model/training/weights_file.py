"""Read back one part of the weights file that `export` writes."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor


def read_part(weights: Path, part: str) -> dict[str, Tensor]:
    """The tensors named ``part.…``, in float32, without that beginning."""
    beginning = f"{part}."
    tensors = load_file(weights).items()
    return {
        name[len(beginning) :]: tensor.float()
        for name, tensor in tensors
        if name.startswith(beginning)
    }
