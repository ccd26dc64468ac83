"""Textual inversion (arXiv 2208.01618): learn the word that a frozen model draws pictures for.

    v* = argmin_v E[ ‖ε − ε_θ(x_t, c(v), t)‖² ]

Through a model that forgot it is the attack of Concept Inversion (arXiv 2308.01508): if some v*
makes the model draw what it should have forgotten, it had only lost the name. UnlearnDiffAtk
(arXiv 2310.11868) minimises the same error over prompts.

The embedding starts at the concept's own name and has as many vectors as the name has tokens. It
stands in the name's place or, as UnlearnDiffAtk's words do, before it. Only a model's weights are
attacked; what changes sampling instead is met when it is sampled.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.sample
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from ...nodes.host.denoising.conditioning import Conditioning, encode_prompts, stack_prompts
from ...nodes.host.denoising.denoise import empty_latent
from .denoiser_weights import DENOISER, weights_in_effect
from .settings import Prompts
from .texts import filled
from .training_denoiser import TrainingDenoiser, counter
from .training_text_encoder import STAND_IN, TrainingTextEncoder, require_one_clip

FOLDER = "fia_benchmarks"
"""In ``models/embeddings``."""


def learned_embedding(
    original: ModelPatcher,
    model: ModelPatcher,
    clip: CLIP,
    concept: str,
    *,
    templates: Sequence[str],
    pictures: int,
    iterations: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
    prefix: bool = False,
    sampling: Prompts,
) -> str:
    """Draw a concept and learn, through the model that forgot it, an embedding that stands for it.

    It is learned once for the same weights and settings; later calls find its file.

    Args:
        original: draws the pictures to learn from.
        model: that forgot; its weights stay.
        clip: a Stable Diffusion 1.x or 2.x's.
        concept: with its article.
        templates: prompts of the pictures.
        pictures: to draw for each template.
        iterations, learning_rate, batch_size, seed: see ``LearningSettings``.
        prefix: the embedding stands before the concept's name instead of in its place.
        sampling: the pictures are drawn with its steps, guidance, sampler, schedule and size.

    Returns:
        The text for a prompt: "embedding:" and the file in the host's folder of embeddings, with
        ``prefix`` the concept after it.

    Raises:
        ValueError: ``clip`` is of another kind, or a prompt is too long.
    """
    require_one_clip(clip)
    learning = LearningSettings(iterations, learning_rate, batch_size, seed)
    after = f" {concept}" if prefix else ""
    settings = repr((concept, after, templates, pictures, learning, sampling))
    name = _name(original, model, clip, settings)
    file = Path(folder_paths.get_folder_paths("embeddings")[0]) / FOLDER / f"{name}.safetensors"
    if not file.exists():
        asked = filled(templates, [concept])
        latents = torch.cat(
            [_draw(original, clip, text, pictures, seed, sampling) for text in asked]
        )
        with torch.inference_mode(False), torch.enable_grad():
            encoder = TrainingTextEncoder(clip)
            stood_in = filled(templates, [STAND_IN + after] * pictures)
            nothing = stack_prompts(encode_prompts(clip, [""]))
            attack = _Inversion(model, encoder, stood_in, latents.clone(), nothing)
            embedding = attack.run(encoder.vectors(concept), learning)
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({encoder.key: embedding}, file)
    return f"embedding:{FOLDER}/{name}{after}"


Error = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(embedding (vectors, width), pictures (rows,), noise levels (rows,), unit noise (rows, C, H, W))
→ mean squared error of the model's prediction; differentiable in the embedding."""


@dataclass(frozen=True)
class LearningSettings:
    """How the embedding is learned.

    Attributes:
        iterations: steps of the optimiser.
        learning_rate: of Adam.
        batch_size: noised pictures an iteration.
        seed: of pictures, noise and noise levels.
    """

    iterations: int
    learning_rate: float
    batch_size: int
    seed: int


def learn_embedding(
    initial: Tensor,
    pictures: torch.Size,
    sigmas: Tensor,
    error: Error,
    settings: LearningSettings,
    after_iteration: Callable[[], None],
) -> Tensor:
    """The embedding after training; the same seed gives the same, bit for bit, on a CPU.

    Args:
        initial: (vectors, width) float32 to start from; left as it is.
        pictures: (count, C, H, W) of the latents that ``error`` knows by their number.
        sigmas: noise levels, each as likely as any other.
        error: what is made small.
        settings: of the training.
        after_iteration: called after each step of the optimiser; what it raises ends the training.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    embedding = initial.clone().requires_grad_()
    optimiser = torch.optim.Adam([embedding], lr=settings.learning_rate)
    rows = (settings.batch_size,)
    for _ in range(settings.iterations):
        chosen = torch.randint(pictures[0], rows, generator=generator)
        levels = torch.randint(len(sigmas), rows, generator=generator)
        noise = torch.randn(*rows, *pictures[1:], generator=generator)
        loss = error(embedding, chosen, sigmas[levels.to(sigmas.device)], noise)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        after_iteration()
    return embedding.detach()


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
        sigmas = self._sampling.sigmas.to(self._device, copy=True)
        shape = self._latents.shape
        counted = counter(settings.iterations)
        return learn_embedding(initial, shape, sigmas, self.error, settings, counted).cpu()

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
    model: ModelPatcher, clip: CLIP, prompt: str, pictures: int, seed: int, sampling: Prompts
) -> Tensor:
    """Latents (pictures, C, H, W) of a prompt, sampled together with the empty negative prompt."""
    empty = empty_latent(model, sampling.width, sampling.height, pictures)
    return comfy.sample.sample(
        model,
        comfy.sample.prepare_noise(empty, seed),
        sampling.steps,
        sampling.cfg,
        sampling.sampler,
        sampling.scheduler,
        stack_prompts(encode_prompts(clip, [prompt])),
        stack_prompts(encode_prompts(clip, [""])),
        empty,
        disable_pbar=True,
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
