"""Ablations: profiling with a part of the method taken out, on FFN2 or on other layers.

The denoising, the capture and every formula that stays are the extension's own; the state of all
layers is kept on the CPU.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...fia_core import (
    ConceptProfile,
    NeuronMask,
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    SparseSensitivity,
    alignments,
    unit_columns,
)
from ...nodes.host.applying.weight_patch import neuron_mask_patches
from ...nodes.host.denoising.watch import LayerWatch
from ...nodes.host.model.identity import model_identity
from ...nodes.host.model.layers import layer_shapes
from ...nodes.host.profiling.request import ProfileRequest
from .erased import Erased, RefusalError
from .fia import concept_mask, fused
from .layers import Layers, find_layers, watch
from .settings import Masking, Profiling

Contrast = Literal["base", "others", "nothing"]


def variant(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    profiled: ModelPatcher | None = None,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    layers: Layers = "ffn2",
    contrast: Contrast = "base",
    frequency: bool = True,
    normalize: bool = True,
    rows: Literal["conditional", "all"] = "conditional",
) -> Erased:
    """The method with something changed; unchanged it is as shipped, up to rounding.

    Args:
        model, clip, concepts, profiled: see the package.
        profiling, masking, strength: as in the nodes.
        layers: that are profiled and pruned.
        contrast: what is taken from μ_c in Eq. 2: mean and deviation of the "base" prompts, those
            of the means of the "others" that are forgotten, or "nothing".
        frequency: False leaves the second term of Eq. 3 out.
        normalize: False is Eq. 3 as printed.
        rows: "all" counts the unconditional half of guidance, too.

    Raises:
        RefusalError: one concept alone has no others to be told from.
    """
    if contrast == "others" and len(concepts) < 2:
        raise RefusalError("concepts: is one; the contrast to others needs two or more.")
    request = profiling.request(concepts)
    parts = (contrast, frequency, normalize)
    profiles = _profiles(profiled or model, clip, request, layers, rows, parts)
    masks = [concept_mask(profile, masking) for profile in profiles]
    mask = fused(masks, masking.agnostic_ratio)
    return Erased(_applied(model, mask, strength), clip, mask=mask)


Parts = tuple[Contrast, bool, bool]
"""Contrast, frequency, normalize: see ``variant``."""


def _profiles(
    model: ModelPatcher,
    clip: CLIP,
    request: ProfileRequest,
    kind: Layers,
    rows: str,
    parts: Parts,
) -> list[ConceptProfile]:
    """One a concept, in order."""
    layers = find_layers(model, kind)
    statistics = {
        name: _VariantStatistics(shape, request, parts)
        for name, shape in layer_shapes(layers).items()
    }

    def receive(
        name: str, prompts: range, x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor
    ) -> None:
        statistics[name].add(prompts, weight, x, y)

    def finish_step() -> None:
        for layer in statistics.values():
            layer.finish_step()

    capture = (_BothHalves if rows == "all" else LayerWatch)(layers, receive, weights=torch.clone)
    watch(model, clip, request, capture, finish_step)
    identity = model_identity(model)
    return [
        ConceptProfile(
            concept=concept,
            kind=request.kind,
            concept_prompts=request.concept_prompts(concept),
            base_prompts=request.base_prompts(),
            settings={"temporal_sparsity": request.temporal_sparsity},
            model=identity,
            layers={
                name: SparseSensitivity.from_dense(layer.sensitivity(position))
                for name, layer in statistics.items()
            },
        )
        for position, concept in enumerate(request.concepts)
    ]


def _applied(model: ModelPatcher, mask: NeuronMask, strength: float) -> ModelPatcher:
    """Apply Neuron Mask for whichever layers: a clone with W · (1 − strength).

    Raises:
        ValueError: the model has not all of the mask's layers.
    """
    masked = model.clone()
    patches = neuron_mask_patches(mask)
    refused = sorted(set(patches) - set(masked.add_patches(patches, strength_patch=strength)))
    if refused:
        raise ValueError(f"mask: the model has no {refused[0]}. Use the model it was made for.")
    return masked


class _VariantStatistics:
    """Stage 1 and Eq. 3 of one layer, with these parts of them."""

    def __init__(self, shape: tuple[int, int], request: ProfileRequest, parts: Parts) -> None:
        concepts = len(request.concepts)
        self._shape = shape
        self._group = len(request.contexts)
        self._form = request.saliency_form
        self._contrast, self._frequency, self._normalize = parts
        self._integrated = [
            SensitivityAccumulator(request.temporal_sparsity, shape) for _ in range(concepts)
        ]
        self._means = [RunningMean(shape) for _ in range(concepts)]
        self._begin_step()

    def add(self, rows: range, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take in prompts at one step: x (prompts, ..., C_in), y (prompts, ..., C_out)."""
        unit, _ = unit_columns(y.flatten(1, -2), torch.float32)
        by_prompt = alignments(x.flatten(1, -2), unit, self._form)
        saliencies = (weight.float().abs() * values.mT.abs() for values in by_prompt)
        for prompt, saliency in zip(rows, saliencies, strict=True):
            group = prompt // self._group
            part = self._concepts[group - 1] if group else self._base
            part.add(saliency.cpu())

    def finish_step(self) -> None:
        """Eq. 2 of the step, for every concept."""
        for concept, integrated, mean in zip(
            self._concepts, self._integrated, self._means, strict=True
        ):
            step, others = concept.mean, self._base
            if self._contrast == "others":
                others = RunningMoments(self._shape)
                for other in self._concepts:
                    if other is not concept:
                        others.add(other.mean)
            if self._contrast != "nothing":
                step = (step - (others.mean + others.std)).clamp_min(0)
            integrated.add(step)
            mean.add(step)
        self._begin_step()

    def sensitivity(self, concept: int) -> torch.Tensor:
        """Eq. 3 of the concept at this position, (C_out, C_in) float32."""
        if not self._frequency:
            return self._means[concept].mean
        return self._integrated[concept].result(self._normalize)

    def _begin_step(self) -> None:
        self._base = RunningMoments(self._shape)
        self._concepts = [RunningMean(self._shape) for _ in self._integrated]


class _BothHalves(LayerWatch):
    """Captures both halves of guidance, one after the other along the token axis."""

    def _conditional(self, batch: torch.Tensor) -> torch.Tensor:
        if len(self._parts) != 2:
            raise ValueError("rows: the host ran both halves apart, so they cannot be joined.")
        return torch.cat(batch.chunk(len(self._parts)), dim=1)
