"""Graphics cards that are not there: where profiling puts its state, and what it should cost.

The memory plan is the extension's own, asked with stand-ins for the card's memory and models of
true size without weights. The cost is counted work over a card's published rates.
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
from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_management import VRAMState
from comfy.model_patcher import ModelPatcher
from torch.utils.flop_counter import FlopCounterMode

from ...nodes.host.model.layers import find_ffn2_layers, layer_shapes
from ...nodes.host.profiling import state_plan
from ...nodes.host.profiling.memory import least_call_memory, room
from ...nodes.host.profiling.sampling import SamplingSettings, empty_latent
from .models import SD15, SDXL

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
LOADS = (
    Load("SD 1.5, fp16, 512 px", supported_models.SD15, SD15, *HALF, 512),
    Load("SDXL, fp16, 1024 px", supported_models.SDXL, SDXL, *HALF, 1024),
    Load("Flux, fp8, 1024 px", supported_models.Flux, FLUX, *FP8, 1024),
)


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


def placement(load: Load, model: ModelPatcher, size: float, loaded: float = 0.0) -> Placement:
    """Where ten concepts' state goes on a card of ``size`` GiB."""
    shapes = layer_shapes(find_ffn2_layers(model))
    sampling = SamplingSettings(0, 50, 10, 7.5, "euler", "normal", load.side, load.side)
    with card(size, model, loaded):
        plan = state_plan.plan_state(model, shapes, CONCEPTS, sampling)
        latent = empty_latent(model, load.side, load.side).shape
        space = room(model, 0)
        least = least_call_memory(model, latent, plan.chunk)
        four = least_call_memory(model, latent, SMALL_CHUNK) <= space
    weights = {name: c_out * c_in for name, (c_out, c_in) in shapes.items()}
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


MATRIX_BYTES = 20  # a weight, prompt and step: tests/host/test_statistics.py counts at most that
X_BYTES = 2  # an entry of X: read by the product
Y_BYTES = 18  # an entry of Y: bias off (6), norm (4), scaling (6), product (2)
PRODUCT_SPEED = 0.5  # of a card's rate that Eq. 1's product reaches
SAMPLING_SPEEDS = (0.5, 0.25)  # that sampling reaches: well used, and as people report of big cards
BANDWIDTH = 0.85  # of a card's published bandwidth that passes over memory reach
RATES = {
    "RTX 3060": (25.5, 360),
    "RTX 3090": (71, 936),
    "RTX 4060 Ti": (44, 288),
    "RTX 4070": (58, 504),
    "RTX 4090": (165, 1008),
    "RTX 5090": (210, 1792),
    "A100 40 GB": (312, 1555),
    "H100": (989, 3350),
}
"""Dense float16 products added in float32, 10^12 a second, and bandwidth, 10^9 bytes a second, of
NVIDIA's architecture papers (Ampere GA102, Ada, Blackwell RTX, A100, H100)."""


class Work(NamedTuple):
    """What one prompt costs at one step.

    Attributes:
        sampling: floating-point operations of both halves of guidance.
        product: those of Eq. 1's product, all layers.
        traffic: bytes that the statistics move.
    """

    sampling: float
    product: float
    traffic: float

    def ratio(self, flops: float, bandwidth: float, speed: float) -> float:
        """Predicted time of profiling over that of sampling; nothing runs beside anything else.

        Args:
            flops, bandwidth: of the card, as in ``RATES``.
            speed: share of the card's rate that sampling reaches.
        """
        product = self.product / (PRODUCT_SPEED * flops * 1e12)
        traffic = self.traffic / (BANDWIDTH * bandwidth * 1e9)
        return 1 + (product + traffic) / (self.sampling / (speed * flops * 1e12))


def counted_work(load: Load) -> Work:
    """The work of a UNet without weights; it computes in float32, which changes no count."""
    model = without_weights(load)
    unet, config = model.model.diffusion_model.float(), model.model.model_config.unet_config
    layers = find_ffn2_layers(model)
    rows: dict[str, int] = {}
    for name, layer in layers.items():
        layer.register_forward_hook(
            lambda _, args, output, name=name: rows.update({name: args[0].shape[1]})
        )
    latent, adm = empty_latent(model, load.side, load.side).shape, config.get("adm_in_channels")
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        unet(
            torch.empty(2, *latent[1:]),
            torch.empty(2),
            context=torch.empty(2, 77, config["context_dim"]),
            y=torch.empty(2, adm) if adm else None,
            transformer_options={"optimized_attention_override": _fused_attention},
        )
    product = traffic = 0
    for name, layer in layers.items():
        c_out, c_in = layer.out_features, layer.in_features
        product += 2 * rows[name] * c_out * c_in
        traffic += MATRIX_BYTES * c_out * c_in + rows[name] * (X_BYTES * c_in + Y_BYTES * c_out)
    return Work(counter.get_total_flops(), product, traffic)


def _fused_attention(_: Any, *args: Any, **kwargs: Any) -> Any:
    """The host's attention by torch, which needs to know nothing of a device's memory."""
    return attention_pytorch(*args, **kwargs)
