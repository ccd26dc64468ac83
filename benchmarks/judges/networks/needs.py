"""Needs of the judges of real checkpoints that this repository does not hold."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from workbench.environment import ROOT

REQUIREMENTS = "workbench/requirements-judges.txt"
FOLDER_VARIABLE = "FIA_JUDGE_WEIGHTS"
DEFAULT_FOLDER = ROOT / "results" / "judges"


class MissingError(ValueError):
    """A package or a file is not there; the message names it and says where to get it."""


def package(name: str) -> Any:
    """A module of a package that only some judges use.

    Raises:
        MissingError: it cannot be imported.
    """
    try:
        return import_module(name)
    except (ImportError, RuntimeError) as error:  # torchvision of another build raises the latter
        raise MissingError(
            f"{name}: cannot be imported: {error}. Install what judges of real checkpoints need: "
            f"pip install -r {REQUIREMENTS}; torchvision has to be of the same build as torch."
        ) from error


def weights(name: str, source: str) -> Path:
    """A file or folder of weights, in the folder that ``FIA_JUDGE_WEIGHTS`` names.

    Args:
        name: of the file.
        source: where people get it.

    Raises:
        MissingError: it is not there.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    path = folder / name
    if not path.exists():
        raise MissingError(
            f"{path}: is missing. Get {name} from {source} and put it there, or set "
            f"{FOLDER_VARIABLE} to the folder that holds it. Nothing is downloaded by itself."
        )
    return path


def device() -> torch.device:
    """Where judges of real checkpoints compute."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
