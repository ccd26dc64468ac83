"""Stage 1 while the denoiser runs: Eq. 1 by its fast path, and moments over prompts on line.

The readable form of the same mathematics is in ``saliency.py``; tests hold the two together.
Nothing here waits for the device: values are not inspected, only shapes. NaN and infinity pass
through; who feeds activations in refuses them (``nodes/host/step_statistics.py``).
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from .checks import require_choice, require_real, require_shape
from .saliency import TINY, unit_rows

SALIENCY_FORMS = ("exact", "released")


def prompt_saliency(
    weight: Tensor, x: Tensor, y: Tensor | None = None, form: str = "exact"
) -> Tensor:
    """Eq. 1 of one prompt at one step by one matrix product, as large as the layer's forward.

    The norm of X cancels out of the exact form: U = |W · P| with P = (Y / ‖Y‖)ᵀ X, columns of Y
    scaled to length 1 before the product. A silent channel (‖Y[:, i]‖ = 0) has saliency 0.

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
    weight = _float32("weight", weight, 2)
    channels, inputs = weight.shape
    for name, tensor, width in (("x", x, inputs), ("y", y, channels)):
        _require_real_of_rank(name, tensor, 3)
        axes = "(prompts, N, C_in)" if name == "x" else "(prompts, N, C_out)"
        require_shape(name, tensor, (*x.shape[:2], width), f"{axes} of x and weight")
    of_one = _released if form == "released" else _exact
    return (
        of_one(weight, prompt_x.detach().float(), prompt_y.detach().float())
        for prompt_x, prompt_y in zip(x, y, strict=True)
    )


def _exact(weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return (functional.normalize(y, dim=0, eps=TINY).T @ x).mul_(weight).abs_()


def _released(weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return weight.abs() * unit_rows(x).norm(dim=0)


class RunningMean:
    """Mean over prompts, one prompt at a time, so that no batch size changes a bit of it.

    Args:
        shape: shape of one saliency.
        device: where the state lives.

    Attributes:
        count: how many saliencies have been added.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device | str = "cpu") -> None:
        self.count = 0
        self._mean = torch.zeros(shape, dtype=torch.float32, device=device)

    def add(self, saliency: Tensor) -> None:
        """Add the saliency of one prompt (float, of the state's shape)."""
        require_shape("saliency", saliency, self._mean.shape, "as this mean was made for")
        self.count += 1
        self._fold(saliency.detach() - self._mean)

    @property
    def mean(self) -> Tensor:
        """Mean, float32: the state itself, which the next ``add`` changes.

        Raises:
            ValueError: nothing has been added.
        """
        self._require_some()
        return self._mean

    def _fold(self, deviation: Tensor) -> None:
        self._mean.add_(deviation, alpha=1 / self.count)

    def _require_some(self) -> None:
        if self.count == 0:
            raise ValueError("count: is 0; add the saliency of at least one prompt first.")


class RunningMoments(RunningMean):
    """Mean and population standard deviation over prompts (Welford), in constant memory."""

    def __init__(self, shape: tuple[int, ...], device: torch.device | str = "cpu") -> None:
        super().__init__(shape, device)
        self._squares = torch.zeros_like(self._mean)

    @property
    def std(self) -> Tensor:
        """Population standard deviation, float32.

        Raises:
            ValueError: nothing has been added.
        """
        self._require_some()
        return (self._squares / self.count).sqrt_()

    @property
    def mean_plus_std(self) -> Tensor:
        """Mean + standard deviation, float32: all that Eq. 2 needs of the base prompts.

        Raises:
            ValueError: nothing has been added.
        """
        return self.std.add_(self._mean)

    def _fold(self, deviation: Tensor) -> None:
        super()._fold(deviation)
        self._squares.addcmul_(deviation, deviation, value=(self.count - 1) / self.count)


def _float32(name: str, tensor: Tensor, rank: int) -> Tensor:
    _require_real_of_rank(name, tensor, rank)
    return tensor.detach().to(torch.float32)


def _require_real_of_rank(name: str, tensor: Tensor, rank: int) -> None:
    require_real(name, tensor)
    if tensor.dim() != rank:
        raise ValueError(f"{name}: has shape {tuple(tensor.shape)}; give {rank} dimensions.")
