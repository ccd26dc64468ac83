"""ComfyUI's folder for models, input, output and user data, with this repository in it."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.environment import ROOT

PACK = "forget-it-all"


def make_base(base: Path) -> None:
    """ComfyUI's folders below ``base``, with this repository linked among the custom nodes."""
    for folder in ("custom_nodes", "models", "input", "output", "user"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    link_folder(base / "custom_nodes" / PACK, ROOT)


def offer_packs(base: Path, packs: Sequence[Path]) -> list[str]:
    """Link further custom nodes below ``base``; what the host must be told of them.

    They have a folder of their own, which the host reads after ``custom_nodes``, so that they can
    import this repository's modules as it has loaded them.
    """
    if not packs:
        return []
    folder = base / "further_nodes"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for pack in packs:
        link_folder(folder / pack.name, pack)
    paths = base / "further_nodes.yaml"
    paths.write_text(f"further:\n  custom_nodes: {folder.name}\n", encoding="utf-8")
    return ["--extra-model-paths-config", str(paths)]


def link_folder(link: Path, folder: Path) -> None:
    """Let ``link`` lead to ``folder``."""
    if link.exists() and link.resolve() == folder:
        return
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(folder), str(link))
    else:
        link.unlink(missing_ok=True)  # the repository was moved
        link.symlink_to(folder, target_is_directory=True)
