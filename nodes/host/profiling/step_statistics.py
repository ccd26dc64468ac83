"""Fold every prompt away as it comes: one step at a time, no memory of the steps.

Prompts come in groups of one size: the base prompts first, then each concept's. Within a step and
a layer they come in order, so the state is two matrices a layer (the sums of the base prompts, then
their μ_b + σ_b and the sum of one concept at a time), and per concept what Eq. 3 keeps over the
steps. All of it is made before sampling: hosts that replay a recorded forward allocate nothing in
it. Nothing waits for the device before the step ends.
"""

import math

import torch

from ....fia_core import (
    LayerShapes,
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    SparseSensitivity,
)
from ....fia_core.equations.statistics import (
    alignments,
    product_dtype,
    unit_columns,
    weighted_contrast,
)
from .state_plan import StatePlan, moment_shape

STACK_BYTES = 2**28
"""At most this much of a layer's matrices side by side, on a device that sums them in one pass."""

_SPLIT = (
    "Connect the model without nodes that skip or split the denoiser's work (such as EasyCache or "
    "tiled diffusion)."
)
_IN_PARTS = (
    "Some models (Kandinsky 5) compute large pictures in parts: then lower width and height. "
    + _SPLIT
)
_NOT_CALLED = (
    "ComfyUI or another node computes this layer without calling it, or skips steps (as EasyCache "
    "does). Connect the model without such nodes; if there are none, load it in fp16 or bf16."
)


def wrong_count(layer: str, seen: int, expected: int) -> ValueError:
    """Of prompts that a layer ran for at a step."""
    mend = _IN_PARTS if seen > expected else _SPLIT if seen else _NOT_CALLED
    return ValueError(
        f"model: {layer} ran for {seen} prompts instead of {expected} at a step. {mend}"
    )


def not_finite(layer: str) -> ValueError:
    return ValueError(
        f"model: {layer} computed NaN or infinity, so nothing can be learned from it. "
        "Start ComfyUI with --force-upcast-attention or --force-fp32, or use another "
        "checkpoint; plain pictures of this model are likely black, too."
    )


class StepStatistics:
    """Stage 1 and Eq. 3 for all FFN2 layers and all concepts.

    Args:
        shapes: of the FFN2 layers.
        concepts: how many groups follow the base prompts.
        group: prompts in a group.
        temporal_sparsity: r1, a fraction.
        saliency_form: "exact" or "released".
        plan: where the state lives.
        device: where the layers compute.
    """

    def __init__(
        self,
        shapes: LayerShapes,
        concepts: int,
        group: int,
        temporal_sparsity: float,
        saliency_form: str,
        plan: StatePlan,
        device: torch.device,
    ) -> None:
        self._form = saliency_form
        self._prompts = (1 + concepts) * group
        self._group = group
        self._layers = {
            name: _LayerStatistics(
                moment_shape(shape, saliency_form),
                plan.moments[name],
                group,
                [
                    SensitivityAccumulator(temporal_sparsity, shape, plan.sums)
                    for _ in range(concepts)
                ],
            )
            for name, shape in shapes.items()
        }
        self._stacks = {name: min(group, _stack(shape, device)) for name, shape in shapes.items()}
        largest = max(self._stacks[name] * math.prod(shape) for name, shape in shapes.items())
        self._scratch = torch.empty(largest, dtype=torch.float32, device=device)
        self._norms = {name: torch.zeros((), device=device) for name in shapes}

    def add(
        self,
        layer: str,
        prompts: range,
        weight_size: torch.Tensor,
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> None:
        """Take in prompts at one step: |W| (C_out, C_in), x (prompts, ..., C_in), y likewise."""
        x = x.flatten(1, -2)
        unit, norms = unit_columns(y.flatten(1, -2), product_dtype(x))
        self._norms[layer] += norms.sum()
        start = prompts.start
        while start < prompts.stop:
            group, position = divmod(start, self._group)
            count = min(self._stacks[layer], self._group - position, prompts.stop - start)
            rows = slice(start - prompts.start, start - prompts.start + count)
            memory = self._scratch[: count * weight_size.numel()].view(count, *weight_size.T.shape)
            values = alignments(x[rows], unit[rows], self._form, memory)
            self._layers[layer].add(group, values, weight_size)
            start += count

    def finish_step(self) -> None:
        """Forget the base moments; the next step has its own.

        Raises:
            ValueError: if a layer has not seen every prompt once, or computed NaN or infinity.
        """
        finite = torch.stack(list(self._norms.values())).isfinite().tolist()
        for (name, layer), is_finite in zip(self._layers.items(), finite, strict=True):
            if layer.seen != self._prompts:
                raise wrong_count(name, layer.seen, self._prompts)
            if not is_finite:
                raise not_finite(name)
            layer.finish_step()

    def sensitivities(self, concept: int) -> dict[str, SparseSensitivity]:
        """Eq. 3 of every layer for the concept at this position."""
        return {
            name: SparseSensitivity.from_dense(layer.accumulators[concept].result())
            for name, layer in self._layers.items()
        }


class _LayerStatistics:
    """Stage 1 and Eq. 3 of one layer."""

    def __init__(
        self,
        shape: tuple[int, int],
        device: torch.device,
        group: int,
        accumulators: list[SensitivityAccumulator],
    ) -> None:
        self.accumulators = accumulators
        self.seen = 0
        self._group = group
        state = torch.empty((RunningMoments.ROWS, *shape), device=device)
        self._base = RunningMoments(shape, memory=state)
        self._base_bar = state[0]  # μ_b + σ_b, once the base prompts are in
        self._concept = RunningMean(shape, memory=state[1:])

    def add(self, group: int, values: torch.Tensor, weight_size: torch.Tensor) -> None:
        """Take in prompts of one group: P (prompts, C_in, C_out), and |W|."""
        self.seen += len(values)
        running = self._concept if group else self._base
        running.add(values)
        if running.count < self._group:
            return
        if group:
            mean = self._concept.into_mean()
            size = weight_size.to(mean.device)
            self.accumulators[group - 1].fold(weighted_contrast(size, mean, self._base_bar))
        else:
            self._base.into_mean_plus_std()
        self._concept.reset()

    def finish_step(self) -> None:
        self.seen = 0
        self._base.reset()


def _stack(shape: tuple[int, int], device: torch.device) -> int:
    """Prompts whose matrices are summed in one pass. A CPU is faster with one matrix at a time,
    and then the prompts of a denoiser call make no difference to any bit."""
    return 1 if device.type == "cpu" else max(1, STACK_BYTES // (4 * math.prod(shape)))
