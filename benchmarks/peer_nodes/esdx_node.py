"""ESD-x as a node: a short fine-tune, given as patches."""

from typing import Any

import comfy.sample
import comfy.samplers
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy.utils import ProgressBar
from comfy_api.latest import io

from ...nodes.host.profiling.conditioning import Conditioning, encode_prompts, stack_prompts
from ...nodes.host.profiling.sampling import LATENT_FACTOR
from .denoiser_weights import cross_attention_parameters, weights_in_effect, with_differences
from .esdx import TrainingSettings, fine_tune
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
    seed_input,
    side_input,
    templates_input,
)
from .training_denoiser import TrainingDenoiser

SCHEDULER = "normal"


class ESDxNode(io.ComfyNode):
    """Erased Stable Diffusion, the variant that trains cross-attention only.

    Decided where the paper is silent: with many concepts or templates each iteration draws one
    prompt; all of cross-attention is trained (queries, keys, values, output); latents to train on
    are walked to with Euler's method, which is DDIM without noise.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchESDx",
            display_name="ESD-x (benchmark)",
            category=CATEGORY,
            description=(
                "Erased Stable Diffusion (ESD-x), arXiv 2303.07345: fine-tunes the cross-attention "
                "weights on the model's own pictures. Written for comparison."
            ),
            inputs=[
                model_input(),
                clip_input(),
                concepts_input(),
                templates_input(PLACEHOLDER),
                io.Int.Input(
                    "iterations",
                    default=1000,
                    min=0,
                    max=100000,
                    tooltip="Steps of the optimiser; 0 changes nothing.",
                ),
                io.Float.Input(
                    "learning_rate",
                    default=1e-5,
                    min=0.0,
                    max=1.0,
                    step=1e-5,
                    round=1e-8,
                    tooltip="Of the optimiser, Adam.",
                ),
                io.Float.Input(
                    "negative_guidance",
                    default=1.0,
                    min=0.0,
                    max=20.0,
                    step=0.1,
                    round=0.001,
                    tooltip="η: how far away from the concept the target lies.",
                ),
                io.Float.Input(
                    "start_guidance",
                    default=3.0,
                    min=0.0,
                    max=20.0,
                    step=0.1,
                    round=0.001,
                    tooltip="Guidance scale of the latents that are trained on.",
                ),
                io.Int.Input(
                    "schedule_steps",
                    default=50,
                    min=1,
                    max=1000,
                    tooltip="Steps from noise to picture, of which each iteration draws one.",
                ),
                io.Int.Input(
                    "batch_size", default=1, min=1, max=256, tooltip="Latents an iteration."
                ),
                seed_input(),
                side_input("width"),
                side_input("height"),
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
        iterations: int,
        learning_rate: float,
        negative_guidance: float,
        start_guidance: float,
        schedule_steps: int,
        batch_size: int,
        seed: int,
        width: int,
        height: int,
    ) -> io.NodeOutput:
        require_clip(clip)
        names = required_lines("concepts", concepts)
        forms = required_templates(templates)
        prompts = ["", *(fill(form, name) for form in forms for name in names)]
        settings = TrainingSettings(
            iterations, learning_rate, negative_guidance, start_guidance, batch_size, seed
        )
        conditioning = stack_prompts(encode_prompts(clip, prompts))
        size = (height // LATENT_FACTOR, width // LATENT_FACTOR)
        with torch.inference_mode(False), torch.enable_grad():
            latent = comfy.sample.fix_empty_latent_channels(model, torch.zeros(1, 4, *size))
            return io.NodeOutput(_fine_tuned(model, conditioning, latent, schedule_steps, settings))


def _fine_tuned(
    model: ModelPatcher,
    prompts: Conditioning,
    latent: torch.Tensor,
    schedule_steps: int,
    settings: TrainingSettings,
) -> ModelPatcher:
    """A clone of ``model`` with what training added to its cross-attention."""
    original = weights_in_effect(model, cross_attention_parameters(model))
    sampling: Any = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, SCHEDULER, schedule_steps)
    sigmas = sigmas.to(model.load_device, copy=True)
    progress = ProgressBar(settings.iterations)

    def start(noise: torch.Tensor) -> torch.Tensor:
        noise = noise.to(sigmas.device)
        return sampling.noise_scaling(sigmas[0], noise, torch.zeros_like(noise), max_denoise=True)

    def after_iteration() -> None:
        progress.update(1)
        throw_exception_if_processing_interrupted()

    trained = fine_tune(
        TrainingDenoiser(model, prompts, latent),
        original,
        start,
        tuple(latent.shape[1:]),
        sigmas,
        len(prompts[0][0]) - 1,
        settings,
        after_iteration,
    )
    return with_differences(
        model, {name: trained[name] - weight for name, weight in original.items()}
    )
