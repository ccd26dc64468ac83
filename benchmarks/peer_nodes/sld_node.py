"""SLD as a node: one more denoiser call a step, after the host's own guidance."""

from typing import Any

import comfy.sampler_helpers
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.sd import CLIP
from comfy_api.latest import io

from ...nodes.host.profiling.conditioning import Conditioning, encode_prompts, stack_prompts
from ...nodes.host.profiling.denoise import SIGMA_TOLERANCE
from .shared import (
    CATEGORY,
    PLACEHOLDER,
    changed_model_output,
    clip_input,
    concepts_input,
    fill,
    model_input,
    require_clip,
    required_lines,
    required_templates,
    templates_input,
)
from .sld import PRESETS, SafetyMomentum, SafetySettings, safety_guidance

CUSTOM = "custom"
WRAPPER_KEY = "forget_it_all_sld"


class SLDNode(io.ComfyNode):
    """Safe Latent Diffusion; weights stay as they are, every sampler of the host works.

    Decided where the paper is silent: many concepts are one text, by default with commas as the
    paper's own safety concept; the warm-up of 15, 10 or 7 of 50 steps becomes that fraction of the
    schedule.
    The estimate without a prompt is that of the sampler's negative prompt.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        medium = PRESETS["medium"]
        return io.Schema(
            node_id="FIABenchSLD",
            display_name="SLD (benchmark)",
            category=CATEGORY,
            description=(
                "Safe Latent Diffusion, arXiv 2211.05105: guides each step of sampling away from "
                "the concepts. Written for comparison."
            ),
            inputs=[
                model_input(),
                clip_input(),
                concepts_input(),
                templates_input(PLACEHOLDER),
                io.String.Input("joint", default=", ", tooltip="Between the concepts of the text."),
                io.Combo.Input(
                    "setting",
                    options=[*PRESETS, CUSTOM],
                    default="medium",
                    tooltip="The paper's settings, or custom for the numbers below.",
                ),
                io.Float.Input(
                    "safety_scale",
                    default=medium.safety_scale,
                    min=0.0,
                    max=100000.0,
                    step=100.0,
                    round=0.01,
                    tooltip="s_S, for custom; 0 changes nothing.",
                ),
                io.Float.Input(
                    "threshold",
                    default=medium.threshold,
                    min=-10.0,
                    max=10.0,
                    step=0.01,
                    round=0.0001,
                    tooltip="λ, for custom.",
                ),
                io.Float.Input(
                    "warm_up",
                    default=medium.warm_up,
                    min=0.0,
                    max=1.0,
                    step=0.02,
                    round=0.0001,
                    tooltip="δ as a fraction of the schedule, for custom.",
                ),
                io.Float.Input(
                    "momentum_scale",
                    default=medium.momentum_scale,
                    min=0.0,
                    max=1.0,
                    step=0.1,
                    round=0.001,
                    tooltip="s_m, for custom.",
                ),
                io.Float.Input(
                    "momentum_decay",
                    default=medium.momentum_decay,
                    min=0.0,
                    max=0.999,
                    step=0.1,
                    round=0.001,
                    tooltip="β_m, for custom.",
                ),
            ],
            outputs=[changed_model_output()],
        )

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        clip: CLIP,
        concepts: str,
        templates: str,
        joint: str,
        setting: str,
        safety_scale: float,
        threshold: float,
        warm_up: float,
        momentum_scale: float,
        momentum_decay: float,
    ) -> io.NodeOutput:
        require_clip(clip)
        settings = PRESETS.get(setting) or SafetySettings(
            safety_scale, threshold, warm_up, momentum_scale, momentum_decay
        )
        names, forms = required_lines("concepts", concepts), required_templates(templates)
        text = joint.join(fill(form, name) for form in forms for name in names)
        safe = model.clone()
        if settings.safety_scale > 0:
            guide = _SafetyGuide(stack_prompts(encode_prompts(clip, (text,))), settings)
            safe.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, WRAPPER_KEY, guide.sample)
            safe.set_model_sampler_post_cfg_function(guide.steer, disable_cfg1_optimization=True)
        return io.NodeOutput(safe)


class _SafetyGuide:
    """Moves the host's guided estimate by −s_g γ, whatever guidance came before."""

    def __init__(self, concept: Conditioning, settings: SafetySettings) -> None:
        self._concept = concept
        self._settings = settings
        self._momentum = SafetyMomentum(settings.momentum_decay)

    def sample(self, executor: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Around a run of the host's sampler: it begins without momentum."""
        self._momentum.begin()
        return executor(*args, **kwargs)

    def steer(self, args: dict[str, Any]) -> torch.Tensor:
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

    def _denoised(self, args: dict[str, Any]) -> torch.Tensor:
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


def _step(sigmas: torch.Tensor, sigma: float) -> int:
    """Which interval of the schedule ``sigma`` is in, from 0; samplers recompute it in float32."""
    lowest = sigma * (1 - SIGMA_TOLERANCE)
    return min(sum(end >= lowest for end in sigmas[1:].tolist()), len(sigmas) - 2)
