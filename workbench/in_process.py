"""ComfyUI in this process, with this extension loaded by the host's own loader."""

import asyncio
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch

from workbench.base_folder import PACK, make_base
from workbench.environment import HOST, ROOT


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


_loaded: list[Extension] = []


def load_host(base: Path) -> Extension:
    """Start the host, on the GPU where there is one; only the first call of a process does.

    The repository's root leaves ``sys.path``: its ``nodes`` folder has the name of a host module.

    Args:
        base: the host's folder for models, input, output and user data; made when missing.
    """
    if not _loaded:
        make_base(base)
        sys.path[:] = [place for place in sys.path if Path(place).resolve() != ROOT]
        sys.path.append(str(HOST))  # last: a torchvision that is installed goes before its stand-in
        from comfy.cli_args import args

        args.cpu = not torch.cuda.is_available()
        args.base_directory = str(base)
        import utils.extra_config  # noqa: F401  (first of the host's modules, as in its main.py)

        nodes = importlib.import_module("nodes")  # the host's
        asyncio.run(nodes.init_external_custom_nodes())
        _loaded.append(Extension(str(base / "custom_nodes" / PACK).replace(".", "_x_")))
    return _loaded[0]
