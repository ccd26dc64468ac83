"""Puts the bundled model's training scripts, which these share, on the path."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def use_training_scripts() -> None:
    sys.path += [str(REPOSITORY / "demo_model" / "training"), str(REPOSITORY / "demo_model")]
