"""ComfyUI in this process, with this extension loaded by the host's own loader.

The repository's root must be off ``sys.path`` before the host is loaded: its ``nodes`` folder has
the name of a host module.
"""

import asyncio
import importlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Extension:
    """Modules of the extension, under the name that the host gave its package."""

    package: str

    def module(self, name: str) -> ModuleType:
        """The module ``name`` of this repository, such as ``nodes.host.profiling.concepts``."""
        return importlib.import_module(f".{name}", self.package)

    @property
    def core(self) -> ModuleType:
        """``fia_core``, as the nodes see it."""
        return self.module("fia_core")


def load_host(comfyui: Path) -> Extension:
    """Start the host of the folder ``comfyui``, on the GPU where there is one."""
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != ROOT]
    sys.path.insert(0, str(comfyui))
    base = Path(tempfile.mkdtemp(prefix="fia-true-size-"))
    extension = base / "custom_nodes" / "forget-it-all"
    extension.parent.mkdir()
    extension.symlink_to(ROOT, target_is_directory=True)

    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available()
    args.base_directory = str(base)
    import utils.extra_config  # noqa: F401  (first of the host's modules, as in its main.py)

    nodes = importlib.import_module("nodes")  # the host's
    asyncio.run(nodes.init_external_custom_nodes())
    return Extension(str(extension).replace(".", "_x_"))
