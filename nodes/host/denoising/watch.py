"""Watch linear layers at work while prompts are denoised."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher

from ..model.weight_in_effect import input_in_effect, passed_through, unfused, unrecorded
from .conditioning import PromptBatch
from .denoise import Denoised, StepObserver, denoise_prompts, nothing

CONDITIONAL = 0  # the host's mark in cond_or_uncond

Receiver = Callable[..., None]
"""Called with a layer's name, the prompts as a range, x (prompts, ..., C_in), what the layer reads
of them, y = x Wᵀ (prompts, ..., C_out), and the copy of W (C_out, C_in), the weight in effect."""

WeightCopy = Callable[[torch.Tensor], torch.Tensor]
"""Makes the copy of a weight that a receiver wants, such as ``torch.clone`` or ``torch.abs``."""

_SPLIT = (
    "Connect the model without nodes that skip or split the denoiser's work (such as EasyCache or "
    "tiled diffusion)."
)
_IN_PARTS = (
    "Some models (Kandinsky 5) compute large pictures in parts: then lower width and height. "
    + _SPLIT
)
_NOT_CALLED = (
    "ComfyUI or another node computes this layer without calling it, or skips steps (as EasyCache "
    "does). Connect the model without such nodes; if there are none, load it in fp16 or bf16."
)


def watch_layers(
    model: ModelPatcher,
    layers: Mapping[str, torch.nn.Linear],
    batch: PromptBatch,
    chunk: int,
    receive: Receiver,
    *,
    weights: WeightCopy,
    finish_step: Callable[[], None] = nothing,
    denoised: Denoised = nothing,
) -> None:
    """Denoise prompts, and hand on what layers read and write of them at every step.

    The layers are hooked only meanwhile.

    Args:
        model: a clone, which has wrappers meanwhile.
        layers: of the model, by name; each must run once a step for every prompt.
        batch: the prompts.
        chunk: prompts a denoiser call.
        receive: takes in the prompts of a call, which come in order, layer by layer.
        weights: makes the copies of the weights in effect that it is handed.
        finish_step: called after all prompts of a step.
        denoised: called after each denoiser call, see ``StepObserver``.

    Raises:
        ValueError: as ``denoise_prompts``, or a layer did not run once for every prompt of a step,
            or its weight cannot be had.
    """
    watch = LayerWatch(layers, receive, weights)

    def finish() -> None:
        watch.finish_step()
        finish_step()

    with watch.attached():
        observer = StepObserver(watch.prompts, watch.forward, finish, denoised)
        denoise_prompts(model, batch, chunk, observer)


class LayerWatch:
    """Hands the conditional rows of every layer's forward to a receiver.

    Only while ``attached`` is the model hooked, and only inside ``prompts`` is anything handed on.

    Args:
        layers: by name.
        receive: see ``Receiver``.
        weights: makes the copies of the weights in effect that it is handed.
    """

    def __init__(
        self,
        layers: Mapping[str, torch.nn.Linear],
        receive: Receiver,
        weights: WeightCopy,
    ) -> None:
        self._layers = layers
        self._receive = receive
        self._parameters = {name: _ParametersInEffect(weights) for name in layers}
        self._seen = dict.fromkeys(layers, 0)
        self._expected = 0
        self._prompts = range(0)
        self._parts: list[int] = []

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hook the layers, and remove the hooks whatever happens: clones have the same modules."""
        with ExitStack() as hooks:
            for name, layer in self._layers.items():
                hooks.callback(layer.register_forward_hook(partial(self._forward, name)).remove)
            yield

    @contextmanager
    def prompts(self, rows: range) -> Iterator[None]:
        """Watch the prompts ``rows`` in the forwards made inside, when the model is loaded."""
        self._prompts = rows
        self._expected += len(rows)
        try:
            with ExitStack() as watched:
                watched.enter_context(unfused())
                for name, layer in self._layers.items():
                    watched.enter_context(self._parameters[name].kept(layer))
                yield
        finally:
            self._prompts = range(0)

    def forward(self, cond_or_uncond: list[int]) -> None:
        """Announce a forward whose batch is equal parts, conditional where the part is 0."""
        self._parts = list(cond_or_uncond)

    def finish_step(self) -> None:
        """The next prompts are of another step.

        Raises:
            ValueError: a layer has not run once for every prompt.
        """
        for name, seen in self._seen.items():
            if seen != self._expected:
                raise _wrong_count(name, seen, self._expected)
        self._seen = dict.fromkeys(self._layers, 0)
        self._expected = 0

    def _forward(
        self, name: str, layer: Any, args: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> None:
        """The host's hook after the forward of a layer."""
        now = self._parameters[name].taken()
        if not self._prompts or CONDITIONAL not in self._parts:
            return
        x = self._conditional(args[0])
        if len(x) != len(self._prompts):
            raise ValueError(
                f"model: {name} ran for {len(x)} prompts where the host gave the denoiser "
                f"{len(self._prompts)}. Connect the model without nodes that split the "
                "denoiser's work (such as tiled diffusion)."
            )
        if now.weight is None:
            raise ValueError(
                "model: its layers compute with weights that the host does not hand over, as "
                "with --fast cublas_ops. Start ComfyUI without it while profiling."
            )
        self._seen[name] += len(x)
        y = self._conditional(output)
        y = y if now.bias is None else y - now.bias.float()
        weight = _converted(layer, now.weight)
        with unrecorded():
            self._receive(name, self._prompts, input_in_effect(layer, x), y, weight)

    def _conditional(self, batch: torch.Tensor) -> torch.Tensor:
        """The conditional part of a forward's batch, (prompts, ..., channels)."""
        return batch.chunk(len(self._parts))[self._parts.index(CONDITIONAL)]


def _wrong_count(layer: str, seen: int, expected: int) -> ValueError:
    """The error of a layer that ran for another number of prompts at a step."""
    mend = _IN_PARTS if seen > expected else _SPLIT if seen else _NOT_CALLED
    return ValueError(
        f"model: {layer} ran for {seen} prompts instead of {expected} at a step. {mend}"
    )


def not_finite(layer: str) -> ValueError:
    """The error of a layer that computed NaN or infinity."""
    return ValueError(
        f"model: {layer} computed NaN or infinity, so nothing can be learned from it. "
        "Start ComfyUI with --force-upcast-attention or --force-fp32, or use another "
        "checkpoint; plain pictures of this model are likely black, too."
    )


@dataclass
class _Parameters:
    """What the host handed over for a forward."""

    weight: torch.Tensor | None = None
    bias: torch.Tensor | None = None


class _ParametersInEffect:
    """The parameters that a layer's forward computes with: cast, dequantised, with every patch.

    The host passes them through functions on the layer, so nothing is cast a second time.

    Args:
        weights: makes the copy of the weight that is kept.
    """

    def __init__(self, weights: WeightCopy) -> None:
        self._weights = weights
        self._now = _Parameters()

    @contextmanager
    def kept(self, layer: Any) -> Iterator[None]:
        """Keep what the forwards inside compute with."""
        functions = {"weight_function": self._keep_weight, "bias_function": self._keep_bias}
        with passed_through(layer, **functions):
            yield

    def taken(self) -> _Parameters:
        """The parameters of the forward that just ended.

        They are kept no longer: those of all layers would take as much as the model.
        """
        now, self._now = self._now, _Parameters()
        return now

    def _keep_weight(self, weight: torch.Tensor) -> torch.Tensor:
        """Keep a copy: the host reuses its own memory."""
        is_fp8 = weight.dtype.is_floating_point and weight.dtype.itemsize == 1
        copy = self._weights(weight.float() if is_fp8 else weight)  # CUDA has no abs() of fp8
        self._now.weight = _for_this_stream(copy)
        return weight

    def _keep_bias(self, bias: torch.Tensor) -> torch.Tensor:
        self._now.bias = _for_this_stream(bias.clone())
        return bias


def _for_this_stream(tensor: torch.Tensor) -> torch.Tensor:
    """``tensor``, whose memory is not given away while the device's own stream still reads it.

    The host may call its functions on a stream for transfers.
    """
    if tensor.is_cuda:
        tensor.record_stream(torch.cuda.default_stream(tensor.device))
    return tensor


def _converted(layer: Any, weight: torch.Tensor) -> torch.Tensor:
    """``weight`` as ``layer`` uses it: that of old scaled fp8 lacks its scale so far."""
    return layer.convert_weight(weight) if hasattr(layer, "convert_weight") else weight
