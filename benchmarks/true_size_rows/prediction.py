"""The predicted cost of profiling on cards that are not here: work over published rates."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_patcher import ModelPatcher
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:  # tests import this as part of the extension
    from workbench.in_process import Extension

MATRIX_BYTES = 20  # a weight, prompt and step: tests/host/test_statistics.py counts at most that
X_BYTES = 2  # an entry of X: read by the product
Y_BYTES = 18  # an entry of Y: bias off (6), norm (4), scaling (6), product (2)
PRODUCT_SPEED = 0.5  # of a card's rate that Eq. 1's product reaches
SAMPLING_SPEEDS = (0.5, 0.25)  # that sampling reaches: well used, and as people report of big cards
BANDWIDTH = 0.85  # of a card's published bandwidth that passes over memory reach


@dataclass(frozen=True)
class Card:
    """Published rates.

    Attributes:
        flops: dense float16 products added in float32, 10^12 a second.
        bandwidth: 10^9 bytes a second.
    """

    name: str
    flops: float
    bandwidth: float


# NVIDIA's architecture papers (Ampere GA102, Ada, Blackwell RTX, A100, H100).
CARDS = (
    Card("RTX 3060", 25.5, 360),
    Card("RTX 3090", 71, 936),
    Card("RTX 4060 Ti", 44, 288),
    Card("RTX 4070", 58, 504),
    Card("RTX 4090", 165, 1008),
    Card("RTX 5090", 210, 1792),
    Card("A100 40 GB", 312, 1555),
    Card("H100", 989, 3350),
)


@dataclass(frozen=True)
class Work:
    """Of one prompt and step.

    Attributes:
        sampling: floating-point operations of both halves of guidance.
        product: those of Eq. 1's product, all layers.
        traffic: bytes that the statistics move.
    """

    sampling: float
    product: float
    traffic: float

    def ratio(self, card: Card, speed: float) -> float:
        """Predicted time of profiling over that of sampling; nothing runs beside anything else.

        Args:
            card: whose rates count.
            speed: share of the card's rate that sampling reaches.
        """
        product = self.product / (PRODUCT_SPEED * card.flops * 1e12)
        traffic = self.traffic / (BANDWIDTH * card.bandwidth * 1e9)
        return 1 + (product + traffic) / (self.sampling / (speed * card.flops * 1e12))


def counted_work(extension: "Extension", model: ModelPatcher, side: int) -> Work:
    """Of a UNet without content, at pictures of ``side`` pixels.

    The modules are computed with in float32, which changes no count.
    """
    unet = model.model.diffusion_model.float()
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(model)
    positions: dict[str, int] = {}
    handles = [
        layer.register_forward_hook(
            lambda layer, args, output, name=name: positions.update({name: args[0].shape[1]})
        )
        for name, layer in layers.items()
    ]
    latent = torch.empty(2, unet.in_channels, side // 8, side // 8, device="meta")
    context = torch.empty(2, 77, model.model.model_config.unet_config["context_dim"], device="meta")
    vector = model.model.model_config.unet_config.get("adm_in_channels")
    vector = torch.empty(2, vector, device="meta") if vector else None
    try:
        with FlopCounterMode(display=False) as counter:
            unet(
                latent,
                torch.empty(2, device="meta"),
                context=context,
                y=vector,
                transformer_options={"optimized_attention_override": _fused_attention},
            )
    finally:
        for handle in handles:
            handle.remove()
    product = traffic = 0
    for name, layer in layers.items():
        c_out, c_in, rows = layer.out_features, layer.in_features, positions[name]
        product += 2 * rows * c_out * c_in
        traffic += MATRIX_BYTES * c_out * c_in + rows * (X_BYTES * c_in + Y_BYTES * c_out)
    return Work(counter.get_total_flops(), product, traffic)


def _fused_attention(_: Any, *args: Any, **kwargs: Any) -> Any:
    """The host's attention by torch, which needs to know nothing of a device's memory."""
    return attention_pytorch(*args, **kwargs)
