"""Graphics cards that are not there: where profiling puts its state.

The memory plan is the extension's own, asked with stand-ins for the card's memory and models of
true size without weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest.mock import patch

import comfy.model_management
import torch
from comfy import supported_models
from comfy.ldm.flux.model import FluxParams
from comfy.model_management import VRAMState
from comfy.model_patcher import ModelPatcher

GIB = 2**30
SIZES = (6, 8, 12, 16, 24)
"""GB of cards, as they are sold: 2^30 bytes each."""

TAKEN = 1.0  # GiB of a card, by the desktop and CUDA's context
RAM = 32  # GiB that are free
CONCEPTS = 10
SMALL_CHUNK = 4
FLUX: dict[str, Any] = {
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
if "txt_ids_dims" in FluxParams.__dataclass_fields__:  # newer hosts
    FLUX["txt_ids_dims"] = []


class Load(NamedTuple):
    """A model that people load, and the side of its pictures in pixels."""

    name: str
    family: type[Any]
    config: dict[str, Any]
    stored: torch.dtype
    computed: torch.dtype
    side: int


HALF, FP8 = (torch.float16, torch.float16), (torch.float8_e4m3fn, torch.bfloat16)


def loads(extension: Any) -> tuple[Load, ...]:
    """Of the benchmarks' sizes."""
    sizes = extension.module("benchmarks.speed_rows.models")
    return (
        Load("SD 1.5", supported_models.SD15, sizes.SD15, *HALF, 512),
        Load("SDXL", supported_models.SDXL, sizes.SDXL, *HALF, 1024),
        Load("Flux", supported_models.Flux, FLUX, *FP8, 1024),
    )


def shapes(extension: Any, model: ModelPatcher) -> Any:
    """(C_out, C_in) of the FFN2 layers."""
    layers = extension.module("nodes.host.model.layers")
    return layers.layer_shapes(layers.find_ffn2_layers(model))


def without_weights(load: Load, patcher: type[ModelPatcher] = ModelPatcher) -> ModelPatcher:
    """The model, for a card, in one of the host's patchers."""
    config = load.family({**load.config, "dtype": load.stored})
    if load.computed != load.stored:
        config.set_inference_dtype(load.stored, load.computed)
    model = config.get_model({}, device=torch.device("meta"))
    return patcher(model, load_device=torch.device("cuda", 0), offload_device=torch.device("cpu"))


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


def placement(
    extension: Any, load: Load, model: ModelPatcher, size: float, loaded: float = 0.0
) -> Placement:
    """Where ten concepts' state goes on a card of ``size`` GiB."""
    state_plan, memory, sampler = (
        extension.module(f"nodes.host.profiling.{name}")
        for name in ("state_plan", "memory", "sampling")
    )
    own = shapes(extension, model)
    sampling = sampler.SamplingSettings(0, 50, 10, 7.5, "euler", "normal", load.side, load.side)
    with card(size, model, loaded):
        plan = state_plan.plan_state(model, own, CONCEPTS, sampling)
        latent = sampler.empty_latent(model, load.side, load.side).shape
        space = memory.room(model, 0)
        least = memory.least_call_memory(model, latent, plan.chunk)
        four = memory.least_call_memory(model, latent, SMALL_CHUNK) <= space
    weights = {name: c_out * c_in for name, (c_out, c_in) in own.items()}
    on_card = sum(count for name, count in weights.items() if plan.moments[name].type == "cuda")
    sums = plan.sums.type == "cuda"
    state = state_plan.SCRATCH_BYTES + state_plan.MOMENT_BYTES * on_card
    state += sums * CONCEPTS * state_plan.SUM_BYTES * sum(weights.values())
    return Placement(
        moments=on_card / sum(weights.values()),
        sums=sums,
        prompts=plan.chunk,
        samples_four=four,
        weights=min(1.0, (space - state - least) / model.model_size()),
    )
