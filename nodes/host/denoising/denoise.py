"""Denoise many prompts together, as far as profiling needs, with the host's own samplers.

All prompts are one batch for the sampler, so every prompt has reached the same step before the next
begins; the denoiser sees the batch in chunks. Prompts of different sizes are never in one chunk.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from inspect import signature
from typing import Any

import comfy.sample
import comfy.samplers
import torch
from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.utils import repeat_to_batch_size

from ....fia_core.equations.checks import require_choice
from ..model.preferences import PIXELS_A_LATENT
from .chunks import Chunk, conds_of_chunk, cut_into_chunks
from .conditioning import PromptBatch
from .request import SamplingSettings

WRAPPER_KEY = "forget_it_all"
KEPT_TEXT = "qwen_image21_cache"
"""Qwen-Image 2.1's option for what its blocks make of the text, which it keeps from one step for
the next. Without it a step runs each layer once, on all tokens."""

SIGMA_TOLERANCE = 1e-4  # relative; samplers recompute sigmas in float32


Denoised = Callable[[range, torch.Tensor], None]


def nothing(*arguments: Any) -> None:
    """Take no notice."""


@dataclass(frozen=True)
class StepObserver:
    """Watches the denoiser work on the prompts, at the first denoiser call of every step; by
    default it does nothing.

    Attributes:
        prompts: gives the context of a call for these prompts (its halves may be several forwards).
        forward: called before a forward of equal parts, each conditional (0) or unconditional (1).
        finish_step: called after all prompts of a step.
        denoised: called after each call with its prompts and the clean latents that the denoiser
            sees, (prompts, channels, height, width).
    """

    prompts: Callable[[range], AbstractContextManager[Any]] = nullcontext
    forward: Callable[[list[int]], None] = nothing
    finish_step: Callable[[], None] = nothing
    denoised: Denoised = nothing


def denoise_prompts(
    model: ModelPatcher, batch: PromptBatch, chunk: int, observer: StepObserver
) -> None:
    """Run the first steps of sampling for all prompts of ``batch``, watched by ``observer``.

    ``model`` has wrappers meanwhile: pass a clone. A denoiser call has ``chunk`` prompts.

    Raises:
        ValueError: if the sampler skips a step of the schedule, so that there is nothing to watch.
    """
    settings = batch.sampling
    sigmas = profile_sigmas(model, settings)
    latent = empty_latent(model, settings.width, settings.height)
    chunks = cut_into_chunks([len(tensor) for tensor, _ in batch.positive], chunk)
    prompts = chunks[-1].rows.stop
    largest = max(len(each.rows) for each in chunks)
    watch = _ChunkedDenoiser(settings.sampler, sigmas, chunks, observer)

    with _wrapped(
        model,
        {
            WrappersMP.PREPARE_SAMPLING: _reserve_for(largest),
            WrappersMP.CALC_COND_BATCH: watch.denoise,
            WrappersMP.APPLY_MODEL: _announce_to(observer),
        },
    ):
        comfy.sample.sample_custom(
            model,
            repeat_to_batch_size(comfy.sample.prepare_noise(latent, settings.seed), prompts),
            settings.cfg,
            _sampler(
                settings.sampler, sigmas, latent.to(model.load_device), prompts, settings.seed
            ),
            sigmas,
            batch.positive,
            batch.negative,
            repeat_to_batch_size(latent, prompts),
            disable_pbar=True,
            seed=settings.seed,
        )
    watch.require_every_step()


def profile_sigmas(model: ModelPatcher, settings: SamplingSettings) -> torch.Tensor:
    """The first ``profile_steps`` intervals of the schedule that the host's KSampler would use.

    Raises:
        ValueError: if the host has no such sampler or scheduler, or the schedule has fewer steps.
    """
    require_choice("sampler", settings.sampler, comfy.samplers.KSampler.SAMPLERS)
    require_choice("scheduler", settings.scheduler, comfy.samplers.KSampler.SCHEDULERS)
    sigmas = comfy.samplers.KSampler(
        model,
        steps=settings.steps,
        device=model.load_device,
        sampler=settings.sampler,
        scheduler=settings.scheduler,
        model_options=model.model_options,
    ).sigmas
    available = len(sigmas) - 1
    if settings.profile_steps > available:
        raise ValueError(
            f"profile_steps: {settings.profile_steps} is more than the {available} steps of the "
            f"schedule (steps: {settings.steps}). Lower profile_steps or raise steps."
        )
    return sigmas[: settings.profile_steps + 1]


def empty_latent(model: ModelPatcher, width: int, height: int, rows: int = 1) -> torch.Tensor:
    """Latents of zeros for pictures of that many pixels, with the channels that ``model`` wants."""
    latent_format = model.get_model_object("latent_format")
    ratio = getattr(latent_format, "spacial_downscale_ratio", PIXELS_A_LATENT)
    empty = torch.zeros(rows, 4, height // ratio, width // ratio)
    return comfy.sample.fix_empty_latent_channels(model, empty)


@contextmanager
def _wrapped(model: ModelPatcher, wrappers: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Add the host's wrappers by kind, and take them away."""
    options = model.model_options["transformer_options"]
    own = {KEPT_TEXT: options[KEPT_TEXT]} if KEPT_TEXT in options else {}
    options[KEPT_TEXT] = {"device": "off"}
    try:
        for kind, wrapper in wrappers.items():
            model.add_wrapper_with_key(kind, WRAPPER_KEY, wrapper)
        yield
    finally:
        for kind in wrappers:
            model.remove_wrappers_with_key(kind, WRAPPER_KEY)
        del options[KEPT_TEXT]
        options |= own


def _sampler(
    name: str, sigmas: torch.Tensor, latent: torch.Tensor, prompts: int, seed: int
) -> comfy.samplers.KSAMPLER:
    """The host's sampler; one that adds noise adds the same to all prompts at a step.

    Then a prompt's row in the batch makes no difference, nor what else the batch holds.
    """
    sampler = comfy.samplers.sampler_object(name)
    if "noise_sampler" in signature(sampler.sampler_function).parameters:
        lowest, highest = sigmas[sigmas > 0].min(), sigmas.max() + 1  # never the same
        of_one = BrownianTreeNoiseSampler(latent, lowest, highest, seed=seed, cpu=True)

        def noise(now: torch.Tensor, later: torch.Tensor) -> torch.Tensor:
            return repeat_to_batch_size(of_one(now, later), prompts)

        sampler.extra_options = {**sampler.extra_options, "noise_sampler": noise}
    return sampler


def _reserve_for(chunk: int) -> Callable[..., Any]:
    """Let the host reserve memory for a chunk; the whole batch never reaches the denoiser."""

    def prepare(
        executor: Any, model: ModelPatcher, noise_shape: Any, *args: Any, **kwargs: Any
    ) -> Any:
        return executor(model, [chunk, *noise_shape[1:]], *args, **kwargs)

    return prepare


def _announce_to(observer: StepObserver) -> Callable[..., Any]:
    """Tell the observer how a forward is made up, by the host's word and not by position.

    All families of models pass here; not all of them call a wrapper of the denoiser itself.
    """

    def forward(
        executor: Any,
        x: torch.Tensor,
        sigma: torch.Tensor,
        c_concat: Any,
        c_crossattn: Any,
        control: Any,
        transformer_options: dict[str, Any],
        **kwargs: Any,
    ) -> torch.Tensor:
        observer.forward(transformer_options["cond_or_uncond"])
        return executor(x, sigma, c_concat, c_crossattn, control, transformer_options, **kwargs)

    return forward


class _ChunkedDenoiser:
    """Makes the sampler's denoiser calls in chunks and finds the first call of every step.

    A step is found by its noise level. A sampler that looks ahead (heun) makes the first call of
    the next step while it is still in this one; that is the one which counts.
    """

    def __init__(
        self, sampler: str, sigmas: torch.Tensor, chunks: Sequence[Chunk], observer: StepObserver
    ) -> None:
        self.sampler = sampler
        self.ends = sigmas[1:].tolist()  # step k is the interval [sigmas[k], sigmas[k + 1])
        self.steps_seen = 0
        self.chunks = chunks
        self.observer = observer

    def denoise(
        self,
        executor: Any,
        model: Any,
        conds: list[list[dict[str, Any]] | None],
        x: torch.Tensor,
        sigma: torch.Tensor,
        model_options: dict[str, Any],
    ) -> list[torch.Tensor]:
        """The host's batch of conditionings for ``x`` (prompts, channels, height, width)."""
        watched = self._is_first_call(float(sigma[0]))
        parts = []
        for chunk in self.chunks:
            throw_exception_if_processing_interrupted()
            take = slice(chunk.rows.start, chunk.rows.stop)
            call = (
                model,
                conds_of_chunk(conds, chunk, len(x)),
                x[take],
                sigma[take],
                model_options,
            )
            if watched:
                with self.observer.prompts(chunk.rows):
                    parts.append(executor(*call))
                self.observer.denoised(chunk.rows, parts[-1][0])
            else:
                parts.append(executor(*call))
        if watched:
            self.observer.finish_step()
        return [torch.cat(outputs) for outputs in zip(*parts, strict=True)]

    def require_every_step(self) -> None:
        """Refuse a sampler that ended before the last step."""
        if not self.steps_seen:
            raise ValueError(
                "model: the host never called the denoiser the usual way, another node has "
                "replaced it. Connect the model without that node while profiling."
            )
        if self.steps_seen < len(self.ends):
            raise self._skipped()

    def _is_first_call(self, sigma: float) -> bool:
        """Whether this is the first call in its step; calls below the last step do not count.

        Raises:
            ValueError: the sampler has left a step out.
        """
        lowest = sigma * (1 - SIGMA_TOLERANCE)
        step = sum(end >= lowest for end in self.ends)
        if step == len(self.ends) or step < self.steps_seen:
            return False
        if step > self.steps_seen:
            raise self._skipped()
        self.steps_seen += 1
        return True

    def _skipped(self) -> ValueError:
        return ValueError(
            f"sampler: {self.sampler} made no denoiser call in step {self.steps_seen + 1} of "
            f"{len(self.ends)}. Choose a sampler that follows the schedule, such as euler."
        )
