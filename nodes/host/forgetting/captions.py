"""What the text layers of a model read of prompts.

Nothing is drawn: the denoiser is left as soon as it has read the text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.sd import CLIP

from ..denoising.conditioning import EncodedPrompt, PromptBatch, encode_prompts, stack_prompts
from ..denoising.denoise import StepObserver, denoise_prompts
from ..denoising.memory import FittingCalls
from ..denoising.request import SamplingSettings
from ..denoising.watch import CONDITIONAL
from ..model.clones import working_copy
from ..model.preferences import preferences
from ..model.weight_in_effect import as_it_is, passed_through, unfused
from .tokens import Caption, caption, tokens_of

WRAPPER_KEY = "forget_it_all_captions"
SMALL_SIDE = 128  # pixels

TOGETHER = 16
"""Prompts that are handed to the host at once, each with an empty latent."""

TextLayers = Mapping[str, torch.nn.Linear]
"""Of a model, as ``find_text_layers`` finds them."""

Told = Callable[[int], None]
"""Is told how many prompts have been read."""


@dataclass
class _Kept:
    """What was read with a text encoder and a model.

    Attributes:
        captions: by prompt.
        encoded: one of the prompts, with which the denoiser can run again.
    """

    captions: dict[str, Caption] = field(default_factory=dict)
    encoded: EncodedPrompt = field(default_factory=dict)


_kept: WeakKeyDictionary[CLIP, WeakKeyDictionary[ModelPatcher, _Kept]] = WeakKeyDictionary()
"""While both are in use."""


def read_captions(
    model: ModelPatcher,
    layers: TextLayers,
    clip: CLIP,
    prompts: Sequence[str],
    told: Told,
) -> list[Caption]:
    """The captions of prompts, in order. Each is read once for a model and a text encoder.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Raises:
        ValueError: the text layers are not called, or what they read is not finite.
    """
    kept = _kept.setdefault(clip, WeakKeyDictionary()).setdefault(model, _Kept())
    new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in kept.captions]
    if new:
        encoded = encode_prompts(clip, new)
        rows = _read(model, layers, encoded, told)
        kept.captions |= zip(new, _captions(clip, new, rows), strict=True)
        kept.encoded = encoded[0]
    return [kept.captions[prompt] for prompt in prompts]


def written(
    model: ModelPatcher,
    layers: TextLayers,
    clip: CLIP,
    rows: torch.Tensor,
    dtype: torch.dtype,
) -> dict[str, torch.Tensor]:
    """What the text layers make of rows, without their bias: rows Wᵀ, (n, C_out) float32 by name.

    The weights are those in effect, with every patch, whatever the host stores them as.

    Args:
        clip: with which captions of this model were read.
        rows: (n, C) float32.
        dtype: in which the layers read, as captions have it.
    """
    results: dict[str, torch.Tensor] = {}

    def run(_: Any, x: torch.Tensor, sigma: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        given = torch.cat([torch.zeros_like(rows[:1]), rows])[None].to(x.device, dtype)
        with unfused():
            for name, layer in layers.items():
                with passed_through(layer, weight_function=as_it_is):
                    zero, *made = layer(given)[0].float().cpu()
                results[name] = torch.stack(made) - zero
        return torch.zeros_like(x)

    batch = _batch([_kept[clip][model].encoded], _side(model, layers))
    with working_copy(model) as copy:
        copy.add_wrapper_with_key(WrappersMP.APPLY_MODEL, WRAPPER_KEY, run)
        denoise_prompts(copy, batch, 1, StepObserver())
    return results


def _read(
    model: ModelPatcher, layers: TextLayers, encoded: Sequence[EncodedPrompt], told: Told
) -> list[torch.Tensor]:
    """(tokens, C) of every prompt, on the CPU."""
    side = _side(model, layers)
    batches = [
        _batch(encoded[first : first + TOGETHER], side)
        for first in range(0, len(encoded), TOGETHER)
    ]

    def attempt(chunk: int) -> list[torch.Tensor]:
        with working_copy(model) as copy:
            reader = _Reader(layers, told)
            copy.add_wrapper_with_key(WrappersMP.APPLY_MODEL, WRAPPER_KEY, reader.run)
            with reader.attached():
                for batch in batches:
                    denoise_prompts(copy, batch, chunk, StepObserver(forward=reader.announce))
        return reader.rows

    rows = FittingCalls(0).run(attempt)
    if len(rows) != len(encoded):
        raise ValueError(
            f"model: its text layers ran for {len(rows)} prompts instead of {len(encoded)}. "
            "Connect the model without nodes that split or skip the denoiser's work."
        )
    return rows


def _captions(
    clip: CLIP, prompts: Sequence[str], rows: Sequence[torch.Tensor]
) -> Iterator[Caption]:
    for prompt, x in zip(prompts, rows, strict=True):
        if not x.isfinite().all():
            raise ValueError(
                f"clip: what the model reads of {prompt!r} is NaN or infinity. Load the text "
                "encoder in another precision, or the model."
            )
        yield caption(tokens_of(clip, prompt, x), x)


def _side(model: ModelPatcher, layers: TextLayers) -> int:
    """Of the pictures in pixels. No text layer depends on it, but PixArt wants its own; where each
    block reads the text, a part of the first is computed before."""
    return preferences(model).side if len(layers) == 1 else SMALL_SIDE


def _batch(encoded: Sequence[EncodedPrompt], side: int) -> PromptBatch:
    """One call for each prompt."""
    once = SamplingSettings(0, 1, 1, 1.0, "euler", "simple", side, side)
    return PromptBatch(stack_prompts(encoded), stack_prompts(encoded[:1]), once)


class _TextWasRead(Exception):
    """Leads out of the denoiser."""

    def __init__(self, x: torch.Tensor) -> None:
        self.x = x


class _Reader:
    """Takes what the first of the text layers reads; all of them read the same.

    Attributes:
        rows: (tokens, C) of every prompt, on the CPU.
    """

    def __init__(self, layers: TextLayers, told: Told) -> None:
        self.rows: list[torch.Tensor] = []
        self._layers = layers
        self._told = told
        self._parts = [CONDITIONAL]

    @contextmanager
    def attached(self) -> Iterator[None]:
        with ExitStack() as hooks:
            for layer in self._layers.values():
                hooks.callback(layer.register_forward_pre_hook(self._hook).remove)
            hooks.enter_context(unfused())
            yield

    def announce(self, cond_or_uncond: list[int]) -> None:
        """The forward that follows has these equal parts."""
        self._parts = list(cond_or_uncond)

    def run(self, executor: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Around a denoiser's call."""
        try:
            executor(x, *args, **kwargs)
        except _TextWasRead as read:
            if CONDITIONAL in self._parts:
                part = read.x.chunk(len(self._parts))[self._parts.index(CONDITIONAL)]
                self.rows.extend(part.cpu().flatten(1, -2))
                self._told(len(self.rows))
        return torch.zeros_like(x)

    @staticmethod
    def _hook(layer: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        raise _TextWasRead(args[0].detach())
