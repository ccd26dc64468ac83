"""Safe Latent Diffusion (arXiv 2211.05105): guidance away from a concept while sampling.

With the noise estimates ε_p for the prompt, ε_S for the safety concept and ε without a prompt, the
guided estimate is ε + s_g (ε_p − ε − γ) (Eq. 3), and at step t

    μ_t = |s_S (ε_p − ε_S)|, at most 1, where ε_p − ε_S < λ; elsewhere 0    (Eq. 6)
    γ_t = μ_t (ε_S − ε) + s_m ν_t                                           (Eq. 4, 7)
    ν_{t+1} = β_m ν_t + (1 − β_m) γ_t, from ν_0 = 0                         (Eq. 8)

In the first δ steps γ is not applied, but momentum gathers. The paper prints max(1, ·) in μ, which
would leave the guidance without a bound; the authors' code takes the minimum, as here.

Decided where the paper is silent: many concepts are one text; the warm-up of 15, 10 or 7 of 50
steps becomes that fraction of the schedule. The estimate without a prompt is that of the sampler's
negative prompt. Weights stay as they are, and every sampler of the host works.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

import comfy.sampler_helpers
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from ...nodes.host.denoising.conditioning import Conditioning, encode_prompts, stack_prompts
from ...nodes.host.denoising.denoise import SIGMA_TOLERANCE
from .erased import Erased
from .texts import Templates, filled

PAPER_STEPS = 50
WRAPPER_KEY = "forget_it_all_sld"


@dataclass(frozen=True)
class SafetySettings:
    """How strongly and when the safety concept is avoided.

    Attributes:
        safety_scale: s_S, not negative.
        threshold: λ.
        warm_up: δ as a fraction of the schedule; the paper counts steps of 50.
        momentum_scale: s_m.
        momentum_decay: β_m, from 0 to below 1.
    """

    safety_scale: float
    threshold: float
    warm_up: float
    momentum_scale: float
    momentum_decay: float


PRESETS: Mapping[str, SafetySettings] = MappingProxyType(
    {
        "weak": SafetySettings(200, 0.0, 15 / PAPER_STEPS, 0.0, 0.0),
        "medium": SafetySettings(1000, 0.01, 10 / PAPER_STEPS, 0.3, 0.4),
        "strong": SafetySettings(2000, 0.025, 7 / PAPER_STEPS, 0.5, 0.7),
        "max": SafetySettings(5000, 1.0, 0.0, 0.5, 0.7),
    }
)
"""The paper's four settings."""


def sld(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    templates: Templates = ("a {concept}",),  # as the bundled model's captions name things,
    joint: str = " and ",  # and join them: it never saw a comma
    setting: Literal["weak", "medium", "strong", "max", "custom"] = "max",
    safety_scale: Annotated[float, Field(ge=0)] = 5000.0,
    threshold: float = 1.0,
    warm_up: Annotated[float, Field(ge=0, le=1)] = 0.0,
    momentum_scale: float = 0.5,
    momentum_decay: Annotated[float, Field(ge=0, lt=1)] = 0.7,
) -> Erased:
    """Each step of sampling is guided away from the concepts, by one more denoiser call.

    Args:
        model, clip, concepts: see the package.
        templates: texts of the concepts.
        joint: between them in the safety concept.
        setting: one of the paper's, or "custom" for the numbers after it (``SafetySettings``).
    """
    settings = PRESETS.get(setting) or SafetySettings(
        safety_scale, threshold, warm_up, momentum_scale, momentum_decay
    )
    safe = model.clone()
    if settings.safety_scale > 0:
        text = joint.join(filled(templates, concepts))
        guide = _SafetyGuide(stack_prompts(encode_prompts(clip, (text,))), settings)
        safe.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, WRAPPER_KEY, guide.sample)
        safe.set_model_sampler_post_cfg_function(guide.steer, disable_cfg1_optimization=True)
    return Erased(safe, clip)


def safety_guidance(
    prompt: Tensor, concept: Tensor, plain: Tensor, momentum: Tensor, settings: SafetySettings
) -> Tensor:
    """γ_t, Eq. 4 to 7.

    Args:
        prompt: ε_p, any shape, of unit noise.
        concept: ε_S, the same shape.
        plain: ε, the same shape.
        momentum: ν_t, the same shape.
        settings: s_S, λ and s_m are used.

    Returns:
        γ_t, the same shape.
    """
    towards = prompt - concept
    scale = (settings.safety_scale * towards).abs().clamp(max=1)
    scale = torch.where(towards < settings.threshold, scale, torch.zeros_like(scale))
    return scale * (concept - plain) + settings.momentum_scale * momentum


class SafetyMomentum:
    """ν_t over a run of a sampler, Eq. 8.

    A sampler may call the denoiser more than once a step: only the step's first call counts.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._step = -1
        self._now: Tensor | None = None
        self._next: Tensor | None = None

    def begin(self) -> None:
        """A new run: ν is 0."""
        self._step, self._now, self._next = -1, None, None

    def at(self, step: int, like: Tensor) -> Tensor:
        """ν at this step, of the shape of ``like``."""
        if self._now is None or step != self._step:
            self._now = torch.zeros_like(like) if self._next is None else self._next
            self._step, self._next = step, None
        return self._now

    def gather(self, guidance: Tensor) -> None:
        """Take in γ of the step that ``at`` was asked for last."""
        if self._next is None and self._now is not None:
            self._next = self._decay * self._now + (1 - self._decay) * guidance


class _SafetyGuide:
    """Moves the host's guided estimate by −s_g γ, whatever guidance came before."""

    def __init__(self, concept: Conditioning, settings: SafetySettings) -> None:
        self._concept = concept
        self._settings = settings
        self._momentum = SafetyMomentum(settings.momentum_decay)

    def sample(self, executor: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Around a run of the host's sampler: it begins without momentum."""
        self._momentum.begin()
        return executor(*args, **kwargs)

    def steer(self, args: dict[str, Any]) -> Tensor:
        """The host's post-CFG function: clean latents in, clean latents out.

        An estimate of the noise is (x − denoised) / σ, so −s_g γ in the noise is + s_g σ γ in the
        clean latents.
        """
        x, sigma = args["input"], args["sigma"]
        spread = sigma.reshape(-1, *[1] * (x.ndim - 1))
        prompt, concept, plain = (
            (x - denoised) / spread
            for denoised in (args["cond_denoised"], self._denoised(args), args["uncond_denoised"])
        )
        sigmas = args["model_options"]["transformer_options"]["sample_sigmas"]
        step = _step(sigmas, float(sigma[0]))
        guidance = safety_guidance(
            prompt, concept, plain, self._momentum.at(step, x), self._settings
        )
        self._momentum.gather(guidance)
        if step < round(self._settings.warm_up * (len(sigmas) - 1)):
            return args["denoised"]
        return args["denoised"] + args["cond_scale"] * spread * guidance

    def _denoised(self, args: dict[str, Any]) -> Tensor:
        """The clean latents that the denoiser sees for the safety concept."""
        x, model = args["input"], args["model"]
        conds = comfy.samplers.encode_model_conds(
            model.extra_conds,
            comfy.sampler_helpers.convert_cond(self._concept),
            x,
            x.device,
            "negative",
        )
        (denoised,) = comfy.samplers.calc_cond_batch(
            model, [conds], x, args["sigma"], args["model_options"]
        )
        return denoised


def _step(sigmas: Tensor, sigma: float) -> int:
    """Which interval of the schedule ``sigma`` is in, from 0; samplers recompute it in float32."""
    lowest = sigma * (1 - SIGMA_TOLERANCE)
    return min(sum(end >= lowest for end in sigmas[1:].tolist()), len(sigmas) - 2)
