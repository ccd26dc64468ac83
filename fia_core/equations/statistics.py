"""Mean and standard deviation over prompts, in constant memory, for Eq. 2."""

import torch
from torch import Tensor

from .checks import require_shape


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
