"""Fold every prompt's saliency away as it comes: one step at a time, no memory of the steps.

Prompts come in groups of one size: the base prompts first, then each concept's. Within a step and
a layer they come in order, so the state is the base moments of the step, one concept's mean at a
time, and per concept what Eq. 3 keeps over the steps. Of the base moments only μ_b + σ_b stays
while concepts come, so between prompts a layer holds at most two of these matrices; between
denoiser calls one, where a call is for whole groups.
"""

import torch

from ...fia_core import (
    LayerShapes,
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    SparseSensitivity,
    prompt_saliencies,
)
from ...fia_core.saliency import saliency_above
from .state_plan import StatePlan


class StepStatistics:
    """Stage 1 and Eq. 3 for all FFN2 layers and all concepts.

    Args:
        shapes: of the FFN2 layers.
        concepts: how many groups follow the base prompts.
        group: prompts in a group.
        temporal_sparsity: r1, a fraction.
        saliency_form: "exact" or "released".
        plan: where the state lives.
    """

    def __init__(
        self,
        shapes: LayerShapes,
        concepts: int,
        group: int,
        temporal_sparsity: float,
        saliency_form: str,
        plan: StatePlan,
    ) -> None:
        self._form = saliency_form
        self._prompts = (1 + concepts) * group
        self._layers = {
            name: _LayerStatistics(
                shape,
                plan.moments[name],
                group,
                [
                    SensitivityAccumulator(temporal_sparsity, shape, plan.sums)
                    for _ in range(concepts)
                ],
            )
            for name, shape in shapes.items()
        }

    def add(
        self, layer: str, prompts: range, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> None:
        """Take in prompts at one step: weight (C_out, C_in), x (prompts, ..., C_in), y likewise.

        Raises:
            ValueError: if the layer computed NaN or infinity.
        """
        if not torch.isfinite(y.sum()):
            raise ValueError(
                f"model: {layer} computed NaN or infinity for {len(prompts)} prompts, so nothing "
                "can be learned from it. Start ComfyUI with --force-upcast-attention or "
                "--force-fp32, or use another checkpoint; plain pictures of this model are likely "
                "black, too."
            )
        saliencies = prompt_saliencies(weight, x.flatten(1, -2), y.flatten(1, -2), self._form)
        for prompt, saliency in zip(prompts, saliencies, strict=True):
            self._layers[layer].add(prompt, saliency)

    def finish_step(self) -> None:
        """Forget the base moments; the next step has its own.

        Raises:
            ValueError: if a layer has not seen every prompt once.
        """
        for name, layer in self._layers.items():
            if layer.seen != self._prompts:
                raise ValueError(
                    f"model: {name} ran for {layer.seen} prompts instead of {self._prompts} at a "
                    "step. Connect the model without nodes that skip or split the denoiser's work "
                    "(such as EasyCache or tiled diffusion)."
                )
            layer.finish_step()

    def sensitivities(self, concept: int) -> dict[str, SparseSensitivity]:
        """Eq. 3 of every layer for the concept at this position."""
        return {
            name: SparseSensitivity.from_dense(layer.accumulators[concept].result())
            for name, layer in self._layers.items()
        }


class _LayerStatistics:
    """The same for one layer."""

    def __init__(
        self,
        shape: tuple[int, int],
        device: torch.device,
        group: int,
        accumulators: list[SensitivityAccumulator],
    ) -> None:
        self.accumulators = accumulators
        self.seen = 0
        self._shape = shape
        self._device = device
        self._group = group
        self._running: RunningMean | None = None  # of the group that comes in now
        self._base_bar = torch.empty(0)  # μ_b + σ_b of the step

    def add(self, prompt: int, saliency: torch.Tensor) -> None:
        self.seen += 1
        group = prompt // self._group
        if self._running is None:
            kind = RunningMean if group else RunningMoments
            self._running = kind(self._shape, self._device)
        self._running.add(saliency.to(self._device))
        if self._running.count == self._group:
            self._finish_group(group, self._running)
            self._running = None

    def finish_step(self) -> None:
        self.seen = 0
        self._base_bar = torch.empty(0)

    def _finish_group(self, group: int, running: RunningMean) -> None:
        if isinstance(running, RunningMoments):
            self._base_bar = running.mean_plus_std
        else:
            self.accumulators[group - 1].add(saliency_above(running.mean, self._base_bar))
