"""Textual inversion (arXiv 2208.01618): learn the word that a frozen model draws pictures for.

    v* = argmin_v E[ ‖ε − ε_θ(x_t, c(v), t)‖² ]

Through a model that forgot it is the attack of Concept Inversion (arXiv 2308.01508): if some v*
makes the model draw what it should have forgotten, it had only lost the name. UnlearnDiffAtk
(arXiv 2310.11868) minimises the same error over prompts.

The embedding starts at the concept's own name and has as many vectors as the name has tokens. Only
a model's weights are attacked; what changes sampling instead is met when it is sampled.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.sample
import folder_paths
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy.utils import ProgressBar
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from ...nodes.host.denoising.conditioning import encode_prompts, stack_prompts
from ...nodes.host.denoising.denoise import empty_latent
from .settings import Prompts
from .training_copies import STAND_IN, TrainingDenoiser, TrainingTextEncoder

FOLDER = "fia_benchmarks"
"""In ``models/embeddings``."""


@dataclass(frozen=True)
class Learning:
    """How an embedding is learned; the table [attack] of a suite explains the names."""

    templates: Sequence[str]
    pictures: int
    iterations: int
    learning_rate: float
    batch_size: int
    seed: int


def learned_embedding(
    original: ModelPatcher,
    model: ModelPatcher,
    clip: CLIP,
    concept: str,
    learning: Learning,
    sampling: Prompts,
) -> str:
    """Draw a concept and learn, through the model that forgot it, an embedding that stands for it.

    It is learned once for a model, or others of the same patches, as the process has it.

    Args:
        original: draws the pictures to learn from.
        model: that forgot; its weights stay.
        clip: a Stable Diffusion 1.x or 2.x's.
        concept: with its article.
        learning: how.
        sampling: the pictures are drawn with its steps, guidance, sampler, schedule and size.

    Returns:
        The text for a prompt: "embedding:" and the file in the host's folder of embeddings.

    Raises:
        ValueError: ``clip`` is of another kind, or a prompt is too long.
    """
    depends_on = repr((concept, learning, sampling, model.patches_uuid))
    name = hashlib.sha256(depends_on.encode()).hexdigest()[:16]
    file = Path(folder_paths.get_folder_paths("embeddings")[0]) / FOLDER / f"{name}.safetensors"
    if not file.exists():
        asked, stood_in = (
            [template.replace("{concept}", text) for template in learning.templates]
            for text in (concept, STAND_IN)
        )
        latents = torch.cat([_draw(original, clip, text, learning, sampling) for text in asked])
        with torch.inference_mode(False), torch.enable_grad():
            encoder = TrainingTextEncoder(clip)
            prompts = [text for text in stood_in for _ in range(learning.pictures)]
            inversion = Inversion(model, encoder, prompts, latents.clone())
            embedding = inversion.run(encoder.vectors(concept), learning)
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({encoder.key: embedding}, file)
    return f"embedding:{FOLDER}/{name}"


class Inversion:
    """A model, and the latents and prompts that an embedding is learned on."""

    def __init__(
        self,
        model: ModelPatcher,
        encoder: TrainingTextEncoder,
        prompts: Sequence[str],
        latents: Tensor,
    ) -> None:
        self._encoder, self._prompts = encoder, prompts
        self._device = model.load_device
        self._latents = model.model.process_latent_in(latents).to(self._device)
        self._denoiser = TrainingDenoiser(model)
        self._sampling: Any = model.get_model_object("model_sampling")

    def run(self, initial: Tensor, learning: Learning) -> Tensor:
        """The learned embedding (vectors, width), on the CPU; the same seed gives the same, bit for
        bit, on a CPU.

        Args:
            initial: (vectors, width) float32 to start from; left as it is.
            learning: how.

        Raises:
            InterruptProcessingException: the host was interrupted.
        """
        sigmas = self._sampling.sigmas.to(self._device, copy=True)
        generator = torch.Generator().manual_seed(learning.seed)
        embedding = initial.clone().requires_grad_()
        optimiser = torch.optim.Adam([embedding], lr=learning.learning_rate)
        rows, progress = (learning.batch_size,), ProgressBar(learning.iterations)
        for _ in range(learning.iterations):
            chosen = torch.randint(len(self._latents), rows, generator=generator)
            levels = torch.randint(len(sigmas), rows, generator=generator).to(self._device)
            noise = torch.randn(*rows, *self._latents.shape[1:], generator=generator)
            loss = self.error(embedding, chosen, sigmas[levels], noise)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            progress.update(1)
            throw_exception_if_processing_interrupted()
        return embedding.detach().cpu()

    def error(self, embedding: Tensor, rows: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        """Mean squared error of what the network predicts: noise, velocity or clean latent; at
        these latents (rows,), noise levels (rows,) and unit noise (rows, C, H, W).

        The clean latent is the prediction times a factor, plus something that does not depend on
        it; so an error of the clean latent divided by that factor is the prediction's.
        """
        clean = self._latents[rows]
        x = self._sampling.noise_scaling(sigma, noise.to(self._device), clean)
        prompts = [self._prompts[int(row)] for row in rows]
        context = self._encoder.encode(prompts, embedding).to(self._device)
        seen = self._denoiser.clean(x, sigma, context)
        factor = self._sampling.calculate_denoised(sigma, torch.ones_like(x), torch.zeros_like(x))
        return functional.mse_loss(seen / factor, clean / factor)


def _draw(
    model: ModelPatcher, clip: CLIP, prompt: str, learning: Learning, sampling: Prompts
) -> Tensor:
    """Latents (pictures, C, H, W) of a prompt, sampled together with the empty negative prompt."""
    empty = empty_latent(model, sampling.width, sampling.height, learning.pictures)
    noise = comfy.sample.prepare_noise(empty, learning.seed)
    given = sampling.steps, sampling.cfg, sampling.sampler, sampling.scheduler
    asked, nothing = (stack_prompts(encode_prompts(clip, [text])) for text in (prompt, ""))
    return comfy.sample.sample(
        model, noise, *given, asked, nothing, empty, disable_pbar=True, seed=learning.seed
    )
