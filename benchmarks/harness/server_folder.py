"""What lies in ComfyUI's folder before a suite runs."""

import shutil
from pathlib import Path

from .checkpoint import offer_checkpoint
from .lora import loras
from .provenance import CHANGED, drawn_by
from .suite import Suite


def make_ready(base: Path, suite: Suite) -> None:
    """Put there what the suite loads, and take away what other code has made: profiles, embeddings.

    Args:
        base: the folder; made where it is missing.
        suite: that is to run.
    """
    stamp, version = base / "version.txt", drawn_by(suite)
    known = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    if known != version or CHANGED in version:
        for folder in ("user/__forget_it_all", "models/embeddings"):
            shutil.rmtree(base / folder, ignore_errors=True)
        base.mkdir(parents=True, exist_ok=True)
        stamp.write_text(version, encoding="utf-8")
    for file in loras(suite.conditions):
        (base / "models" / "loras").mkdir(parents=True, exist_ok=True)
        shutil.copy(file, base / "models" / "loras")
    offer_checkpoint(suite, base)
