"""Graphics cards that are not there: memory plans for models of true size without their weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import comfy.model_management
import torch
from comfy import supported_models
from comfy.model_management import VRAMState
from comfy.model_patcher import ModelPatcher

from .models import SD15, SDXL
from .settings import CONCEPTS, SCHEDULE

if TYPE_CHECKING:  # tests import this as part of the extension
    from workbench.in_process import Extension

GIB = 2**30
CARDS = (6, 8, 12, 16, 24)
"""GB, as they are sold: 2^30 bytes each."""

TAKEN = 1.0  # GiB of a card, by the desktop and CUDA's context
RAM = 32  # GiB that are free
SMALL_CHUNK = 4
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": 768,
    "context_in_dim": 4096,
    "hidden_size": 3072,
    "mlp_ratio": 4.0,
    "num_heads": 24,
    "depth": 19,
    "depth_single_blocks": 38,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "qkv_bias": True,
    "guidance_embed": True,
}


@dataclass(frozen=True)
class Load:
    """A model that people load, and the side of its pictures in pixels."""

    name: str
    family: type[Any]
    config: dict[str, Any]
    stored: torch.dtype
    computed: torch.dtype
    side: int


LOADS = (
    Load("SD 1.5, fp16, 512 px", supported_models.SD15, SD15, torch.float16, torch.float16, 512),
    Load("SDXL, fp16, 1024 px", supported_models.SDXL, SDXL, torch.float16, torch.float16, 1024),
    Load(
        "Flux, fp8, 1024 px",
        supported_models.Flux,
        FLUX,
        torch.float8_e4m3fn,
        torch.bfloat16,
        1024,
    ),
)


@dataclass(frozen=True)
class Placement:
    """A plan in words.

    Attributes:
        moments: share of them on the card.
        sums: whether they are on the card.
        prompts: a denoiser call.
        samples_four: whether the host can sample four pictures together there.
        weights: share of the model's weights that stay on the card beside state and call.
    """

    moments: float
    sums: bool
    prompts: int
    samples_four: bool
    weights: float


class DynamicPatcher(ModelPatcher):
    """As newer hosts' own: weights leave the device on demand, and its estimates have a margin."""

    def is_dynamic(self) -> bool:
        return True

    def get_free_memory(self, device: torch.device) -> float:
        free: Any = comfy.model_management.get_free_memory(device)
        return free + self.loaded_size()

    def memory_required(self, input_shape: Any) -> float:
        return super().memory_required(input_shape) * 1.3 + GIB


PATCHERS = {"plain": ModelPatcher, "dynamic": DynamicPatcher}


def patcher(load: Load, kind: type[ModelPatcher]) -> ModelPatcher:
    """The model for a card, its weights without content."""
    config = load.family({**load.config, "dtype": load.stored})
    if load.computed != load.stored:
        config.set_inference_dtype(load.stored, load.computed)
    model = config.get_model({}, device=torch.device("meta"))
    return kind(model, load_device=torch.device("cuda", 0), offload_device=torch.device("cpu"))


@contextmanager
def card(size: float, model: ModelPatcher, loaded: float = 0.0) -> Iterator[None]:
    """The host on a card of ``size`` GiB that holds a share ``loaded`` of the model's weights."""
    held = int(loaded * model.model_size())
    free = int((size - TAKEN) * GIB) - held

    def get_free_memory(dev: Any = None, torch_free_too: bool = False) -> Any:
        here = RAM * GIB if comfy.model_management.is_device_cpu(dev) else free
        return (here, here) if torch_free_too else here

    with (
        patch.multiple(
            comfy.model_management,
            get_free_memory=get_free_memory,
            get_total_memory=lambda dev=None: int(size * GIB),
            free_memory=lambda *args, **options: [],
            pytorch_attention_flash_attention=lambda: True,
            vram_state=VRAMState.NORMAL_VRAM,
            lowvram_available=True,
        ),
        patch.object(model.model, "model_loaded_weight_memory", held),
    ):
        yield


def placement(
    extension: "Extension", load: Load, model: ModelPatcher, size: float, loaded: float = 0.0
) -> Placement:
    """Where ten concepts' state goes on a card of ``size`` GiB."""
    memory = extension.module("nodes.host.profiling.memory")
    state_plan = extension.module("nodes.host.profiling.state_plan")
    layers = extension.module("nodes.host.model.layers")
    shapes = layers.layer_shapes(layers.find_ffn2_layers(model))
    sampling = extension.module("nodes.host.profiling.sampling").SamplingSettings(
        0, SCHEDULE, 10, 7.5, "euler", "normal", load.side, load.side
    )
    with card(size, model, loaded):
        plan = state_plan.plan_state(model, shapes, len(CONCEPTS), sampling)
        latent = (
            extension.module("nodes.host.profiling.sampling").empty_latent(model, sampling).shape
        )
        space = memory.room(model, 0)
        least = memory.least_call_memory(model, latent, plan.chunk)
        four = memory.least_call_memory(model, latent, SMALL_CHUNK) <= space
    weights = {name: c_out * c_in for name, (c_out, c_in) in shapes.items()}
    on_card = sum(count for name, count in weights.items() if plan.moments[name].type == "cuda")
    sums = plan.sums.type == "cuda"
    state = state_plan.SCRATCH_BYTES + state_plan.MOMENT_BYTES * on_card
    state += sums * len(CONCEPTS) * state_plan.SUM_BYTES * sum(weights.values())
    beside = (space - state - least) / model.model_size()
    return Placement(
        moments=on_card / sum(weights.values()),
        sums=sums,
        prompts=plan.chunk,
        samples_four=four,
        weights=min(1.0, beside),
    )
