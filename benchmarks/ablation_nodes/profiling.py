"""Profiling with a part of the method taken out, on FFN2 or on other layers.

The denoising, the capture and every formula that stays are the extension's own; the state of all
layers is kept on the CPU.
"""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...fia_core import (
    ConceptProfile,
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    SparseSensitivity,
    contrastive_saliency,
    prompt_saliencies,
)
from ...fia_core.equations.checks import require_choice
from ...nodes.host.model.identity import model_identity
from ...nodes.host.model.layers import layer_shapes
from ...nodes.host.profiling.capture import Ffn2Capture
from ...nodes.host.profiling.denoise import denoise_prompts
from ...nodes.host.profiling.request import ProfileRequest, RequestPrompts
from .layers import find_layers

ROWS = ("conditional", "all")


@dataclass(frozen=True)
class Variant:
    """What is changed; the defaults are the method as it is shipped.

    Attributes:
        layers: a key of ``LAYERS``.
        contrast: False scores by μ_c alone, without the base prompts of Eq. 2.
        frequency: False leaves the second term of Eq. 3 out.
        normalize: False is Eq. 3 as printed.
        rows: "all" counts the unconditional half of guidance, too.
    """

    layers: str = "ffn2"
    contrast: bool = True
    frequency: bool = True
    normalize: bool = True
    rows: str = ROWS[0]


def profile_variant(
    model: ModelPatcher, clip: CLIP, request: ProfileRequest, variant: Variant
) -> list[ConceptProfile]:
    """One profile a concept, in order.

    Raises:
        ValueError: the model has no such layers, or a choice is unknown.
    """
    require_choice("rows", variant.rows, ROWS)
    prompts = RequestPrompts(clip, request)
    layers = find_layers(model, variant.layers)
    statistics = {
        name: _LayerStatistics(shape, request, variant)
        for name, shape in layer_shapes(layers).items()
    }

    def receive(
        name: str, rows: range, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> None:
        statistics[name].add(rows, weight, x, y)

    capture = Ffn2Capture(layers, receive)
    if variant.rows == "all":
        capture = _BothHalves(layers, receive)
    with capture.attached():
        denoise_prompts(
            model.clone(),
            prompts.positive(request.concepts),
            prompts.negative(),
            request.sampling,
            request.chunk,
            _Observer(capture, statistics),
        )
    identity = model_identity(model)
    settings = {
        **asdict(request.sampling),
        **asdict(variant),
        "temporal_sparsity": request.temporal_sparsity,
        "saliency_form": request.saliency_form,
    }
    return [
        ConceptProfile(
            concept=concept,
            kind=request.kind,
            concept_prompts=request.concept_prompts(concept),
            base_prompts=request.base_prompts(),
            settings=settings,
            model=identity,
            layers={
                name: SparseSensitivity.from_dense(layer.sensitivity(position))
                for name, layer in statistics.items()
            },
        )
        for position, concept in enumerate(request.concepts)
    ]


class _LayerStatistics:
    """Stage 1 and Eq. 3 of one layer, in the form that the variant wants."""

    def __init__(self, shape: tuple[int, int], request: ProfileRequest, variant: Variant) -> None:
        concepts = len(request.concepts)
        self._shape = shape
        self._group = len(request.contexts)
        self._form = request.saliency_form
        self._variant = variant
        self._integrated = [
            SensitivityAccumulator(request.temporal_sparsity, shape) for _ in range(concepts)
        ]
        self._means = [RunningMean(shape) for _ in range(concepts)]
        self._begin_step()

    def add(self, rows: range, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take in prompts at one step: x (prompts, ..., C_in), y (prompts, ..., C_out)."""
        saliencies = prompt_saliencies(weight, x.flatten(1, -2), y.flatten(1, -2), self._form)
        for prompt, saliency in zip(rows, saliencies, strict=True):
            group = prompt // self._group
            part = self._concepts[group - 1] if group else self._base
            part.add(saliency.cpu())

    def finish_step(self) -> None:
        """Eq. 2 of the step, for every concept."""
        for concept, integrated, mean in zip(
            self._concepts, self._integrated, self._means, strict=True
        ):
            step = concept.mean
            if self._variant.contrast:
                step = contrastive_saliency(step, self._base.mean, self._base.std)
            integrated.add(step)
            mean.add(step)
        self._begin_step()

    def sensitivity(self, concept: int) -> torch.Tensor:
        """Eq. 3 of the concept at this position, (C_out, C_in) float32."""
        if not self._variant.frequency:
            return self._means[concept].mean
        return self._integrated[concept].result(self._variant.normalize)

    def _begin_step(self) -> None:
        self._base = RunningMoments(self._shape)
        self._concepts = [RunningMean(self._shape) for _ in self._integrated]


class _Observer:
    """What the denoiser tells goes to the capture and the statistics."""

    def __init__(self, capture: Ffn2Capture, statistics: dict[str, _LayerStatistics]) -> None:
        self.capture = capture
        self.statistics = statistics

    def prompts(self, rows: range) -> AbstractContextManager[None]:
        return self.capture.prompts(rows)

    def forward(self, cond_or_uncond: list[int]) -> None:
        self.capture.forward(cond_or_uncond)

    def denoised(self, rows: range, latents: torch.Tensor) -> None:
        """No picture is shown."""

    def finish_step(self) -> None:
        for layer in self.statistics.values():
            layer.finish_step()


class _BothHalves(Ffn2Capture):
    """Captures both halves of guidance, one after the other along the token axis."""

    def _conditional(self, batch: torch.Tensor) -> torch.Tensor:
        if len(self._parts) != 2:
            raise ValueError("rows: the host ran both halves apart, so they cannot be joined.")
        return torch.cat(batch.chunk(len(self._parts)), dim=1)
