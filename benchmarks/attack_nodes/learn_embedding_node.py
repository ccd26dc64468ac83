"""The attack as a node: an embedding's file, for the host's own ``embedding:`` in prompts."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import comfy.sample
import comfy.samplers
import folder_paths
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy.utils import ProgressBar
from comfy_api.latest import io
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from ...nodes.host.profiling.conditioning import Conditioning, encode_prompts, stack_prompts
from ...nodes.host.profiling.sampling import LATENT_FACTOR
from ..peer_nodes.denoiser_weights import DENOISER, weights_in_effect
from ..peer_nodes.shared import (
    CATEGORY,
    PLACEHOLDER,
    clip_input,
    fill,
    require_clip,
    required_templates,
    seed_input,
    side_input,
)
from ..peer_nodes.training_denoiser import TrainingDenoiser
from .textual_inversion import LearningSettings, learn_embedding
from .training_text_encoder import STAND_IN, TrainingTextEncoder, require_one_clip

FOLDER = "fia_benchmarks"
"""In ``models/embeddings``."""


class LearnEmbeddingNode(io.ComfyNode):
    """Textual inversion through a model that forgot, on pictures of the model before.

    The embedding starts at the concept's own name and has as many vectors as the name has tokens.
    Only a model's weights are attacked; what changes sampling instead is met when it is sampled.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchLearnEmbedding",
            display_name="Learn Embedding (attack)",
            category=CATEGORY,
            description=(
                "Draws a concept with the original model and learns, through the model that forgot "
                "it, an embedding that stands for it. Put the text into a prompt."
            ),
            inputs=[
                io.Model.Input("original", tooltip="Draws the pictures to learn from."),
                io.Model.Input("model", tooltip="The model that forgot. Its weights stay."),
                clip_input(),
                io.String.Input("concept", default="a church", tooltip="With its article."),
                io.String.Input(
                    "templates",
                    multiline=True,
                    default=f"a photo of {PLACEHOLDER} in a park",
                    tooltip=f"Prompts of the pictures, one a line, with {PLACEHOLDER}.",
                ),
                io.Int.Input(
                    "pictures", default=4, min=1, max=256, tooltip="To draw for each template."
                ),
                io.Int.Input(
                    "iterations",
                    default=150,
                    min=0,
                    max=100000,
                    tooltip="Steps of the optimiser; 0 leaves the concept's name.",
                ),
                io.Float.Input(
                    "learning_rate",
                    default=5e-3,
                    min=0.0,
                    max=1.0,
                    step=1e-4,
                    round=1e-8,
                    tooltip="Of the optimiser, Adam.",
                ),
                io.Int.Input(
                    "batch_size", default=4, min=1, max=256, tooltip="Pictures an iteration."
                ),
                seed_input(),
                io.Int.Input("steps", default=20, min=1, max=1000, tooltip="To draw a picture in."),
                io.Float.Input(
                    "cfg", default=7.5, min=0.0, max=100.0, step=0.1, tooltip="To draw it with."
                ),
                io.Combo.Input("sampler", options=comfy.samplers.KSampler.SAMPLERS),
                io.Combo.Input("scheduler", options=comfy.samplers.KSampler.SCHEDULERS),
                side_input("width"),
                side_input("height"),
            ],
            outputs=[
                io.String.Output(
                    display_name="embedding",
                    tooltip="What stands for the concept in a prompt: embedding: and its file.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        original: ModelPatcher,
        model: ModelPatcher,
        clip: CLIP,
        concept: str,
        templates: str,
        pictures: int,
        iterations: int,
        learning_rate: float,
        batch_size: int,
        seed: int,
        steps: int,
        cfg: float,
        sampler: str,
        scheduler: str,
        width: int,
        height: int,
    ) -> io.NodeOutput:
        require_clip(clip)
        require_one_clip(clip)
        forms = required_templates(templates)
        learning = LearningSettings(iterations, learning_rate, batch_size, seed)
        drawing = (pictures, seed, steps, cfg, sampler, scheduler, width, height)
        name = _name(original, model, clip, repr((concept, forms, learning, drawing)))
        file = Path(folder_paths.get_folder_paths("embeddings")[0]) / FOLDER / f"{name}.safetensors"
        if not file.exists():
            asked = [fill(form, concept) for form in forms]
            latents = torch.cat([_draw(original, clip, text, *drawing) for text in asked])
            with torch.inference_mode(False), torch.enable_grad():
                encoder = TrainingTextEncoder(clip)
                stood_in = [fill(form, STAND_IN) for form in forms for _ in range(pictures)]
                nothing = stack_prompts(encode_prompts(clip, [""]))
                attack = _Inversion(model, encoder, stood_in, latents.clone(), nothing)
                embedding = attack.run(encoder.vectors(concept), learning)
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({encoder.key: embedding}, file)
        return io.NodeOutput(f"embedding:{FOLDER}/{name}")


class _Inversion:
    """A model, and the latents and prompts that an embedding is learned on."""

    def __init__(
        self,
        model: ModelPatcher,
        encoder: TrainingTextEncoder,
        prompts: Sequence[str],
        latents: Tensor,
        nothing: Conditioning,
    ) -> None:
        self._encoder = encoder
        self._prompts = prompts
        self._device = model.load_device
        self._latents = model.model.process_latent_in(latents).to(self._device)
        self._denoiser = TrainingDenoiser(model, nothing, latents[:1])
        self._sampling: Any = model.get_model_object("model_sampling")

    def run(self, initial: Tensor, settings: LearningSettings) -> Tensor:
        """The learned embedding (vectors, width), on the CPU."""
        progress = ProgressBar(settings.iterations)

        def after_iteration() -> None:
            progress.update(1)
            throw_exception_if_processing_interrupted()

        sigmas = self._sampling.sigmas.to(self._device, copy=True)
        shape = self._latents.shape
        learned = learn_embedding(initial, shape, sigmas, self.error, settings, after_iteration)
        return learned.cpu()

    def error(self, embedding: Tensor, rows: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        """Mean squared error of what the network predicts: noise, velocity or clean latent.

        The clean latent is the prediction times a factor, plus something that does not depend on
        it; so an error of the clean latent divided by that factor is the prediction's.
        """
        clean = self._latents[rows]
        x = self._sampling.noise_scaling(sigma, noise.to(self._device), clean)
        prompts = [self._prompts[int(row)] for row in rows]
        context = self._encoder.encode(prompts, embedding).to(self._device)
        answer = self._denoiser.answer({}, x, sigma, {"c_crossattn": context})
        seen = self._sampling.calculate_denoised(sigma, answer, x)
        factor = self._sampling.calculate_denoised(sigma, torch.ones_like(x), torch.zeros_like(x))
        return functional.mse_loss(seen / factor, clean / factor)


def _draw(
    model: ModelPatcher,
    clip: CLIP,
    prompt: str,
    pictures: int,
    seed: int,
    steps: int,
    cfg: float,
    sampler: str,
    scheduler: str,
    width: int,
    height: int,
) -> Tensor:
    """Latents (pictures, C, H, W) of a prompt, sampled together with the empty negative prompt."""
    size = (height // LATENT_FACTOR, width // LATENT_FACTOR)
    empty = comfy.sample.fix_empty_latent_channels(model, torch.zeros(pictures, 4, *size))
    return comfy.sample.sample(
        model,
        comfy.sample.prepare_noise(empty, seed),
        steps,
        cfg,
        sampler,
        scheduler,
        stack_prompts(encode_prompts(clip, [prompt])),
        stack_prompts(encode_prompts(clip, [""])),
        empty,
        seed=seed,
    )


def _name(original: ModelPatcher, model: ModelPatcher, clip: CLIP, settings: str) -> str:
    """A hash of all that the embedding depends on, weights in effect among it."""
    digest = hashlib.sha256(settings.encode())
    clip.load_model()
    _feed(digest, clip.cond_stage_model.state_dict().values())
    for patcher in (original, model):
        names = [name for name in patcher.get_key_patches() if name.startswith(DENOISER)]
        _feed(digest, weights_in_effect(patcher, names).values())
    return digest.hexdigest()[:16]


def _feed(digest: Any, tensors: Iterable[Tensor]) -> None:
    for tensor in tensors:
        digest.update(tensor.float().cpu().contiguous().numpy())
