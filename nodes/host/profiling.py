"""Profile concepts: prompts → denoiser → FFN2 activations → statistics → concept profiles."""

import math
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.sd import CLIP

from ...fia_core import ConceptProfile, PromptTemplates, base_prompts, concept_prompts
from .capture import Ffn2Capture
from .conditioning import encode_prompts
from .denoise import SamplingSettings, denoise_prompts, profile_sigmas
from .identity import model_identity
from .layers import find_ffn2_layers, layer_shapes
from .progress import ProfileProgress
from .step_statistics import StepStatistics
from .words import require_known_words

COMPILE_KEY = "torch.compile"  # of the host's wrapper that swaps in the compiled denoiser


@dataclass(frozen=True)
class ProfileRequest:
    """What to profile and how.

    Attributes:
        concepts: the words of each concept.
        kind: "object", "explicit content" or "art style".
        contexts: places, persons or objects; base prompts and every concept's prompts use all.
        templates: of the prompts.
        sampling: how they are denoised.
        temporal_sparsity: r1, a fraction.
        saliency_form: "exact" or "released".
        chunk: prompts that share a denoiser call; 0 chooses by free memory.
    """

    concepts: tuple[str, ...]
    kind: str
    contexts: tuple[str, ...]
    templates: PromptTemplates
    sampling: SamplingSettings
    temporal_sparsity: float
    saliency_form: str
    chunk: int


def profile_concepts(
    model: ModelPatcher, clip: CLIP, request: ProfileRequest, node_id: str | None = None
) -> list[ConceptProfile]:
    """One profile a concept, in order; base prompts are denoised once for all.

    The page's node ``node_id`` shows how far it is. ``model`` and its modules are left as they
    were, also after an error or an interrupt.

    Raises:
        ValueError: if the model has no FFN2 layers, the schedule is too short, a concept is in no
            known word, or the sampler does not follow the schedule.
    """
    model = _without_compilation(model)
    layers = find_ffn2_layers(model)
    shapes = layer_shapes(layers)
    profile_sigmas(model, request.sampling)
    require_known_words(clip, request.concepts)

    base = base_prompts(request.templates, request.contexts)
    own = [
        concept_prompts(request.templates, concept, request.contexts)
        for concept in request.concepts
    ]
    statistics = StepStatistics(
        shapes,
        concepts=len(own),
        group=len(base),
        temporal_sparsity=request.temporal_sparsity,
        saliency_form=request.saliency_form,
        device=model.load_device,
    )
    progress = ProfileProgress(
        model, request.concepts, len(base), request.sampling.profile_steps, node_id
    )
    watch = _ProfileObserver(Ffn2Capture(layers, statistics.add), statistics, progress)
    positive = encode_prompts(clip, sum(own, start=base))
    negative = encode_prompts(clip, ("",))
    identity = model_identity(model)
    with watch.capture.attached():
        denoise_prompts(model, positive, negative, request.sampling, request.chunk, watch)
    progress.finish()

    settings = {
        **asdict(request.sampling),
        "temporal_sparsity": request.temporal_sparsity,
        "saliency_form": request.saliency_form,
        "precision": str(model.model_dtype()).removeprefix("torch."),
        "model_weights": sum(math.prod(p.shape) for p in model.model.diffusion_model.parameters()),
    }
    return [
        ConceptProfile(
            concept=concept,
            kind=request.kind,
            concept_prompts=prompts,
            base_prompts=base,
            settings=settings,
            model=identity,
            layers=statistics.sensitivities(position),
        )
        for position, (concept, prompts) in enumerate(zip(request.concepts, own, strict=True))
    ]


class _ProfileObserver:
    """What the denoiser tells goes to the capture, the statistics and the page."""

    def __init__(
        self, capture: Ffn2Capture, statistics: StepStatistics, progress: ProfileProgress
    ) -> None:
        self.capture = capture
        self.statistics = statistics
        self.progress = progress

    def prompts(self, rows: range) -> AbstractContextManager[None]:
        return self.capture.prompts(rows)

    def forward(self, cond_or_uncond: list[int]) -> None:
        self.capture.forward(cond_or_uncond)

    def denoised(self, rows: range, latents: torch.Tensor) -> None:
        self.progress.advance(rows, latents)

    def finish_step(self) -> None:
        self.statistics.finish_step()


def _without_compilation(model: ModelPatcher) -> ModelPatcher:
    """A clone that runs the plain modules: a compiled denoiser would not call their hooks."""
    plain = model.clone()
    plain.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, COMPILE_KEY)
    compiled = plain.object_patches.get("diffusion_model")
    if compiled is not None:
        plain.add_object_patch("diffusion_model", getattr(compiled, "_orig_mod", compiled))
    return plain
