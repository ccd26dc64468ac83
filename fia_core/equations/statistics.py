"""Stage 1 while the denoiser runs: Eq. 1 and Eq. 2 in few passes over memory.

|W| is the same for all prompts of a step, so it leaves the means and deviations over them: with
P = Xᵀ (Y / ‖Y‖), columns of Y scaled to length 1, Eq. 1 is U = |W| · |P|ᵀ and Eq. 2 is

    S = |W| · max(0, mean |P_c| − mean |P_b| − std |P_b|)ᵀ

P has the inputs first: CPUs multiply it up to four times as fast that way.
The readable form of the same mathematics is in ``saliency.py``; tests hold the two together.
Nothing here waits for the device: values are not inspected, only shapes. NaN and infinity pass
through; who feeds activations in refuses them (``nodes/host/profiling/step_statistics.py``).
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from .checks import require_choice, require_real, require_shape
from .saliency import TINY, unit_rows

SALIENCY_FORMS = ("exact", "released")


def prompt_saliency(
    weight: Tensor, x: Tensor, y: Tensor | None = None, form: str = "exact"
) -> Tensor:
    """Eq. 1 of one prompt at one step by one matrix product, as large as the layer's forward.

    A silent channel (‖Y[:, i]‖ = 0) has saliency 0.

    Args:
        weight: (C_out, C_in), the weight in effect, any float dtype.
        x: (N, C_in), the layer's input, any float dtype.
        y: (N, C_out), X Wᵀ without bias; None computes it. The released form needs none.
        form: "exact" (Eq. 1) or "released" (the authors' code).

    Returns:
        U, (C_out, C_in) float32, not negative.

    Raises:
        ValueError: unknown form, wrong rank, shapes that do not fit.
    """
    weight, x = _float32("weight", weight, 2), _float32("x", x, 2)
    require_shape("x", x, (x.shape[0], weight.shape[1]), "(N, C_in) with weight's C_in")
    y = x @ weight.T if y is None else _float32("y", y, 2)
    require_shape("y", y, (x.shape[0], weight.shape[0]), "(N, C_out) of x and weight")
    return next(prompt_saliencies(weight, x[None], y[None], form))


def prompt_saliencies(
    weight: Tensor, x: Tensor, y: Tensor, form: str = "exact"
) -> Iterator[Tensor]:
    """``prompt_saliency`` of several prompts at one step; one result at a time is in memory.

    Args:
        weight: (C_out, C_in), the weight in effect, any float dtype.
        x: (prompts, N, C_in), the layer's input, any float dtype.
        y: (prompts, N, C_out), X Wᵀ without bias.
        form: "exact" (Eq. 1) or "released" (the authors' code).

    Returns:
        U of each prompt in turn, (C_out, C_in) float32, not negative.

    Raises:
        ValueError: unknown form, wrong rank, shapes that do not fit.
    """
    require_choice("form", form, SALIENCY_FORMS)
    weight_size = _float32("weight", weight, 2).abs()
    channels, inputs = weight_size.shape
    for name, tensor, width in (("x", x, inputs), ("y", y, channels)):
        _require_real_of_rank(name, tensor, 3)
        axes = "(prompts, N, C_in)" if name == "x" else "(prompts, N, C_out)"
        require_shape(name, tensor, (*x.shape[:2], width), f"{axes} of x and weight")
    unit, _ = unit_columns(y, torch.float32)
    return (
        weight_size * alignments(x[row : row + 1], unit[row : row + 1], form)[0].mT.abs_()
        for row in range(len(x))
    )


def unit_columns(y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Columns of length 1, or of zeros, of several prompts.

    Args:
        y: (prompts, N, C_out), X Wᵀ without bias, any float dtype.
        dtype: of the result.

    Returns:
        Y / ‖Y‖ (prompts, N, C_out), and ‖Y‖ (prompts, 1, C_out) float32.
    """
    norms = torch.linalg.vector_norm(y.detach(), dim=1, keepdim=True, dtype=torch.float32)
    unit = torch.empty_like(y, dtype=dtype)
    return torch.div(y.detach(), norms.clamp_min(TINY), out=unit), norms


def alignments(x: Tensor, unit: Tensor, form: str, out: Tensor | None = None) -> Tensor:
    """P of several prompts at one step, signed: Eq. 1 is U = |W| · |P|ᵀ.

    Exact: P = Xᵀ (Y / ‖Y‖). Released: P = ‖X̂[:, j]‖, the same for all output channels.

    Args:
        x: (prompts, N, C_in), the layer's input, any float dtype.
        unit: (prompts, N, C_out), ``unit_columns`` of Y = X Wᵀ without bias, of
            ``product_dtype(x)``; the released form does not look at it.
        form: one of ``SALIENCY_FORMS``.
        out: (prompts, C_in, C_out) float32, memory for an exact P.

    Returns:
        (prompts, C_in, C_out) float32, or (prompts, C_in, 1) for the released form.
    """
    x = x.detach()
    if form == "released":
        return torch.stack([unit_rows(one.float()).norm(dim=0) for one in x])[..., None]
    if unit.dtype == torch.float32:
        return torch.bmm(x.mT.float(), unit, out=out)
    return torch.bmm(x.mT, unit, out_dtype=torch.float32, out=out)


def product_dtype(x: Tensor) -> torch.dtype:
    """In which Eq. 1 is multiplied: half precision stays where the device adds it in float32 (CUDA,
    torch 2.8 or newer), else float32.

    Under ``allow_fp16_accumulation`` torch refuses to add float16 in float32.
    """
    half = x.dtype in (torch.float16, torch.bfloat16)
    adds_in_float32 = bool(torch.version.cuda) and "dtype_out" in torch.ops.aten.bmm.overloads()
    if x.dtype == torch.float16 and adds_in_float32:
        adds_in_float32 = not torch.backends.cuda.matmul.allow_fp16_accumulation
    return x.dtype if half and x.is_cuda and adds_in_float32 else torch.float32


def weighted_contrast(weight_size: Tensor, concept_mean: Tensor, base_bar: Tensor) -> Tensor:
    """Eq. 2 with |W| outside: S = |W| · max(0, mean |P_c| − (mean |P_b| + std |P_b|))ᵀ.

    Args:
        weight_size: |W|, (C_out, C_in), any float dtype.
        concept_mean: mean of |P| over the concept prompts, (C_in, C_out) or (C_in, 1) float32;
            its memory is used.
        base_bar: mean + standard deviation of |P| over the base prompts, of the same shape.

    Returns:
        S, (C_out, C_in) float32, not negative.
    """
    return weight_size * concept_mean.sub_(base_bar).clamp_min_(0).mT


class RunningMean:
    """Mean of absolute values over prompts, in constant memory.

    Args:
        shape: of one prompt's values.
        device: where the state lives.
        memory: (``ROWS``, *shape) float32 to keep the state in, on ``device``; None takes new.

    Attributes:
        count: how many prompts have been added.
    """

    ROWS = 1

    def __init__(
        self,
        shape: tuple[int, ...],
        device: torch.device | str = "cpu",
        memory: Tensor | None = None,
    ) -> None:
        if memory is None:
            memory = torch.empty((self.ROWS, *shape), dtype=torch.float32, device=device)
        self._state = memory
        self.count = 0

    def reset(self) -> None:
        """Forget all prompts."""
        self.count = 0

    def add(self, values: Tensor) -> None:
        """Add one prompt, of the state's shape, or several, with an axis for prompts before it.

        ``values`` (float) may be signed; their memory is used and holds something else afterwards.
        Several prompts are joined before they meet the state: on a GPU that saves most of the
        traffic, on a CPU one at a time is faster.
        """
        stack = values.detach()
        if stack.dim() < self._state.dim():
            stack = stack[None]
        require_shape("saliency", stack[0], self._state.shape[1:], "as this was made for")
        self.count += len(stack)
        self._fold(stack)

    @property
    def mean(self) -> Tensor:
        """Mean, float32.

        Raises:
            ValueError: nothing has been added.
        """
        self._require_some()
        return self._state[0] / self.count

    def into_mean(self) -> Tensor:
        """``mean`` in the memory of the state, which is of no more use until ``reset``."""
        self._require_some()
        return self._state[0].div_(self.count)

    def _fold(self, stack: Tensor) -> None:
        total = stack[0].abs_() if len(stack) == 1 else torch.linalg.vector_norm(stack, 1, dim=0)
        if self.count == len(stack):
            self._state[0].copy_(total)
        else:
            self._state[0] += total.to(self._state.device)

    def _require_some(self) -> None:
        if self.count == 0:
            raise ValueError("count: is 0; add the saliency of at least one prompt first.")


class RunningMoments(RunningMean):
    """Mean and population standard deviation of absolute values over prompts, likewise.

    By Welford's way, for stacks as Chan, Golub and LeVeque generalised it: where prompts hardly
    differ, the difference of a mean of squares and a squared mean would have no digits left.
    """

    ROWS = 2

    @property
    def mean(self) -> Tensor:
        """Mean, float32: the state itself, which the next ``add`` changes.

        Raises:
            ValueError: nothing has been added.
        """
        self._require_some()
        return self._state[0]

    @property
    def std(self) -> Tensor:
        """Population standard deviation, float32.

        Raises:
            ValueError: nothing has been added.
        """
        self._require_some()
        return (self._state[1] / self.count).sqrt_()

    def into_mean_plus_std(self) -> Tensor:
        """``mean`` + ``std``, all that Eq. 2 needs of the base prompts, in the first row of the
        state; the second is free until ``reset``."""
        return self.mean.add_(self._state[1].div_(self.count).sqrt_())

    def _fold(self, stack: Tensor) -> None:
        mean, squares = self._state
        prompts, before = len(stack), self.count - len(stack)
        if prompts == 1:
            of_stack, variance = stack[0].abs_(), None
        else:
            variance, of_stack = torch.var_mean(stack.abs_(), dim=0, correction=0)
            variance = variance.to(mean.device).mul_(prompts)
        if not before:
            mean.copy_(of_stack)
            squares.copy_(variance) if variance is not None else squares.zero_()
            return
        deviation = of_stack.to(mean.device).sub_(mean)
        mean.add_(deviation, alpha=prompts / self.count)
        squares.addcmul_(deviation, deviation, value=before * prompts / self.count)
        if variance is not None:
            squares.add_(variance)


def _float32(name: str, tensor: Tensor, rank: int) -> Tensor:
    _require_real_of_rank(name, tensor, rank)
    return tensor.detach().to(torch.float32)


def _require_real_of_rank(name: str, tensor: Tensor, rank: int) -> None:
    require_real(name, tensor)
    if tensor.dim() != rank:
        raise ValueError(f"{name}: has shape {tuple(tensor.shape)}; give {rank} dimensions.")
