"""One batch, several strengths: each row of the denoiser's batch has a strength of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.utils import repeat_to_batch_size

from ....fia_core import NeuronMask
from ....fia_core.files.bits import pack_bits, unpack_bits
from ..model.clones import run_in_one_place
from ..model.identity import require_same_architecture
from ..model.layers import find_ffn2_layers
from ..model.lora import lora_parts
from ..model.weight_in_effect import (
    as_it_is,
    input_in_effect,
    passed_through,
    unfused,
    weight_in_effect,
)
from .strip_noise import same_noise_for_every_strength

WRAPPER_KEY = "forget_it_all_strip"

FUSED = "TensorWiseINT8Layout"
"""The host's name of weights whose layers it may fuse with their neighbours, without calling them.
Inside a strip they compute with the unpacked weight."""


def strip_of_mask(model: ModelPatcher, mask: NeuronMask, strengths: list[float]) -> ModelPatcher:
    """A clone of ``model`` that draws a batch at ``strengths``, one after the other.

    A batch of n · strengths rows has n rows at the first strength, then n at the next. Rows of
    strength s come as from Apply Neuron Mask at s. The weights stay as they are.

    Raises:
        ValueError: if the mask was made for another architecture.
    """
    require_same_architecture(mask, model, find_ffn2_layers(model))
    touched = (name for name, count in mask.counts.items() if count)
    return _strip(model, {name: _PrunedLayer(mask.layers[name]) for name in touched}, strengths)


def strip_of_lora(
    model: ModelPatcher, lora: Mapping[str, torch.Tensor], strengths: list[float]
) -> ModelPatcher:
    """Likewise; rows of strength s come as from the host's Load LoRA Model at s.

    Args:
        lora: the host's LORA_MODEL, of up and down projections of linear layers.

    Raises:
        ValueError: if the LoRA is of another kind, or of another model.
    """
    parts = lora_parts(model, lora)
    added = {name: _AddedLayer(up, down) for name, (up, down) in parts.items()}
    return _strip(model, added, strengths)


def _strip(
    model: ModelPatcher, parts: Mapping[str, "_Part"], strengths: list[float]
) -> ModelPatcher:
    plain = model.clone()
    run_in_one_place(plain)
    strip = _Strip(parts, strengths)
    plain.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, WRAPPER_KEY, strip.sample)
    plain.add_wrapper_with_key(WrappersMP.APPLY_MODEL, WRAPPER_KEY, strip.forward)
    return plain


def strip_latent(latent: dict[str, Any], strengths: int) -> dict[str, Any]:
    """``latent`` once for each strength, with the same noise each time.

    Args:
        latent: the host's LATENT; ``samples`` (n, channels, height, width).
        strengths: how many.
    """
    samples = latent["samples"]
    rows = len(samples)
    return {
        **latent,
        "samples": repeat_to_batch_size(samples, rows * strengths),
        "batch_index": list(latent.get("batch_index", range(rows))) * strengths,
    }


class _Part(Protocol):
    """What strength 1 takes from the output of a layer."""

    def move(self, device: torch.device) -> None:
        """Be on ``device``, where the inputs are."""
        ...

    def __call__(self, layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        """(batch, ..., C_out) of ``x`` (batch, ..., C_in)."""
        ...


class _AddedLayer:
    """What a LoRA adds to one layer, with the sign turned round: x ↦ −up (down x).

    Args:
        up: (C_out, r).
        down: (r, C_in).
    """

    def __init__(self, up: torch.Tensor, down: torch.Tensor) -> None:
        self._up, self._down = up, down

    def move(self, device: torch.device) -> None:
        self._up, self._down = self._up.to(device), self._down.to(device)

    def __call__(self, layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        inner = torch.nn.functional.linear(x, self._down.to(x))
        return -torch.nn.functional.linear(inner, self._up.to(x))


class _PrunedLayer:
    """The pruned part of one layer: x ↦ (W ∘ M) x, over the input channels that M touches.

    M is kept at one bit a weight, also on the device.

    Args:
        pruned: M, bool (C_out, C_in) on the CPU.
    """

    def __init__(self, pruned: torch.Tensor) -> None:
        self._inputs = pruned.any(dim=0).nonzero().flatten()
        touched = pruned[:, self._inputs]
        self._shape, self._packed = touched.shape, pack_bits(touched)

    def move(self, device: torch.device) -> None:
        self._inputs, self._packed = self._inputs.to(device), self._packed.to(device)

    def __call__(self, layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        x = input_in_effect(layer, x)
        with weight_in_effect(layer, x) as weight:
            touched = weight.index_select(1, self._inputs)
            pruned = touched * unpack_bits(self._packed, self._shape)
            return torch.nn.functional.linear(x.index_select(-1, self._inputs), pruned)


class _Strip:
    """Hooks the changed layers inside the denoiser's calls only: clones have the same modules."""

    def __init__(self, parts: Mapping[str, _Part], strengths: list[float]) -> None:
        self._layers = parts
        self._strengths = torch.tensor(strengths)
        self._rows = 0
        self._ran = False

    def sample(
        self,
        executor: Any,
        noise: torch.Tensor,
        latent_image: torch.Tensor,
        sampler: Any,
        sigmas: torch.Tensor,
        denoise_mask: Any,
        callback: Any,
        disable_pbar: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Around a whole sampling run."""
        count = len(self._strengths)
        self._rows, self._ran = len(noise), not self._layers
        if self._rows % count:
            raise ValueError(
                f"latent: {self._rows} in the batch cannot be shared out among {count} strengths. "
                "Connect the latent of Strength Strip to the sampler, or a batch of "
                f"{count}, {2 * count} …"
            )
        device = executor.class_obj.model_patcher.load_device
        one = noise[: self._rows // count].to(device)
        sampler = same_noise_for_every_strength(sampler, one, count, sigmas, seed)
        run = (noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed)
        with self._parts_on(device):
            result = executor(*run, **kwargs)
        if not self._ran:
            raise ValueError(
                "model: none of the changed layers was called, another node has replaced the "
                "denoiser. Connect Strength Strip without that node (such as torch.compile) after "
                "it."
            )
        return result

    def forward(
        self,
        executor: Any,
        x: torch.Tensor,
        sigma: torch.Tensor,
        c_concat: Any,
        c_crossattn: Any,
        control: Any,
        transformer_options: dict[str, Any],
        **kwargs: Any,
    ) -> torch.Tensor:
        """Around a denoiser's call: its batch is equal parts, conditional or not, of all rows."""
        parts = len(transformer_options["cond_or_uncond"])
        if len(x) != parts * self._rows:
            raise ValueError(
                f"model: the denoiser ran for {len(x)} rows where the batch has {self._rows}. "
                "Connect Strength Strip without nodes that split the denoiser's work (such as "
                "tiled diffusion)."
            )
        each = self._strengths.repeat_interleave(self._rows // len(self._strengths))
        with self._attached(executor.class_obj, each.repeat(parts).to(x.device)):
            return executor(x, sigma, c_concat, c_crossattn, control, transformer_options, **kwargs)

    @contextmanager
    def _parts_on(self, device: torch.device) -> Iterator[None]:
        """Take the parts to the device, and back."""
        try:
            for part in self._layers.values():
                part.move(device)
            yield
        finally:
            for part in self._layers.values():
                part.move(torch.device("cpu"))

    @contextmanager
    def _attached(self, model: torch.nn.Module, strengths: torch.Tensor) -> Iterator[None]:
        """Hook the layers of the host's ``model``; whatever happens the hooks are removed."""
        with ExitStack() as hooks:
            hooks.enter_context(unfused())
            for name, part in self._layers.items():
                layer: Any = model.get_submodule(name)
                handle = layer.register_forward_hook(self._hook(part, strengths))
                hooks.callback(handle.remove)
                if getattr(layer.weight, "_layout_cls", None) == FUSED:
                    hooks.enter_context(passed_through(layer, weight_function=as_it_is))
            yield

    def _hook(self, part: _Part, strengths: torch.Tensor) -> Callable[..., torch.Tensor]:
        def hook(
            layer: torch.nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor
        ) -> torch.Tensor:
            self._ran = True
            taken = part(layer, args[0])
            return output - taken.mul_(strengths.view(-1, *[1] * (taken.ndim - 1)))

        return hook
