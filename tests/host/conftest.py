"""A real ComfyUI in this process, with this extension loaded by the host's own loader.

``FIA_HOST`` names ComfyUI's folder. The repository's root must not be on ``sys.path`` here: its
``nodes`` folder has the name of a host module.
"""

import asyncio
import gc
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HOST = Path(os.environ["FIA_HOST"]).resolve()
BASE = Path(tempfile.mkdtemp(prefix="fia-host-"))  # models, outputs and custom nodes
EXTENSION = BASE / "custom_nodes" / "forget-it-all"
LITTLE_MEMORY = 2 << 20  # bytes; one concept's state, and less than any denoiser call needs

EXTENSION.parent.mkdir()
EXTENSION.symlink_to(REPOSITORY, target_is_directory=True)
sys.path[:0] = [str(HOST), str(Path(__file__).parent)]
sys.path.append(str(Path(__file__).parents[1]))

from comfy.cli_args import args  # noqa: E402  (the host is on the path only now)

args.cpu = True
args.base_directory = str(BASE)

import utils.extra_config  # noqa: E402, F401  (first of the host's modules, as in its main.py)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(BASE, ignore_errors=True)


@pytest.fixture(scope="session")
def extension() -> "Extension":
    """This extension, as the host has loaded it."""
    import nodes

    asyncio.run(nodes.init_external_custom_nodes())
    return Extension(str(EXTENSION))


class Extension:
    """Modules of the extension, under the name that the host gave its package."""

    def __init__(self, package: str) -> None:
        self.package = package.replace(".", "_x_")

    def module(self, name: str) -> ModuleType:
        """The module ``name`` of this repository, such as ``nodes.host.denoising.watch``."""
        return importlib.import_module(f".{name}", self.package)

    def node(self, node_id: str) -> Any:
        """The node class that the host has registered under ``node_id``."""
        import nodes

        return nodes.NODE_CLASS_MAPPINGS[node_id]


@pytest.fixture(scope="session")
def lora_nodes(extension: Extension) -> None:
    """The host's own nodes for LoRA that are not in a file."""
    from comfy_extras.nodes_train import LoraModelLoader, SaveLoRA

    import nodes

    nodes.NODE_CLASS_MAPPINGS |= {"LoraModelLoader": LoraModelLoader, "SaveLoRA": SaveLoRA}


@pytest.fixture(autouse=True)
def inference_mode() -> Iterator[None]:
    """Nodes run in inference mode, as in the host's executor."""
    import torch

    with torch.inference_mode():
        yield


@pytest.fixture(scope="module", autouse=True)
def settled_garbage() -> None:
    """What lives as long as the process is not looked through again.

    The host collects garbage at every load of a model once a test's error has left one half dead,
    and among all that torch and the tests have imported that takes a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny(extension: Extension) -> Any:
    """A tiny Stable Diffusion of the host's classes with random weights."""
    from tiny_model import tiny_sd

    return tiny_sd()


@pytest.fixture(scope="session")
def tiny_sdxl(extension: Extension) -> Any:
    """A tiny Stable Diffusion XL of the host's classes with random weights."""
    from tiny_model import tiny_sdxl

    return tiny_sdxl()


@pytest.fixture(scope="session")
def host(extension: Extension) -> Any:
    """Runs graphs with the host's validation and its PromptExecutor."""
    from graphs import Host

    return Host()


@pytest.fixture(scope="session")
def mask(host: Any, tiny: Any) -> Any:
    """The mask of church in the tiny Stable Diffusion."""
    import torch
    from graphs import profile_graph

    with torch.inference_mode():
        return host.run(profile_graph(host, tiny.model, tiny.clip), "mask")[0]


@pytest.fixture
def folder(extension: Extension) -> Path:
    """The host's folder of masks, empty."""
    import folder_paths

    folder = Path(folder_paths.get_folder_paths("neuron_masks")[0])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host believe that hardly any memory is free, as on a busy GPU."""
    from comfy import model_management

    def free(device: Any = None, torch_free_too: bool = False) -> Any:
        return (LITTLE_MEMORY, LITTLE_MEMORY) if torch_free_too else LITTLE_MEMORY

    monkeypatch.setattr(model_management, "get_free_memory", free)


@pytest.fixture
def small_gpu(little_memory: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host keep weights off the device and patch them at every use."""
    from comfy import model_management

    monkeypatch.setattr(model_management, "is_device_cpu", lambda device: False)
    monkeypatch.setattr(model_management, "vram_state", model_management.VRAMState.NORMAL_VRAM)
