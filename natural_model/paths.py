"""Where the bundled model is; puts its training scripts, which these share, on the path."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLED = REPOSITORY / "demo_model" / "weights.safetensors"
"""The bundled model, whose autoencoder the new models share."""


def use_training_scripts() -> None:
    sys.path += [str(REPOSITORY / "demo_model" / "training"), str(REPOSITORY / "demo_model")]
