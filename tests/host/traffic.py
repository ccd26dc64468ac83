"""Count the bytes that pass through memory for matrices of a layer's shape."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ONLY_WRITTEN = ("aten.zero_", "aten.copy_", "aten.empty")


class MatrixTraffic(TorchDispatchMode):
    """Adds up what every operation reads and writes of tensors that hold whole matrices.

    A matrix is a tensor whose last two axes are ``shape``, in either order, or a row of as many
    entries. A tensor
    that an operation reads twice comes once from memory; views move nothing.
    """

    def __init__(self, shape: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = shape
        self.bytes = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if not function.is_view:
            written_alone = str(function).startswith(ONLY_WRITTEN)
            read = args[1:] if written_alone else args  # ``out`` is a keyword
            written = () if "empty" in str(function) else result
            self.bytes += self._of(read) + self._of(written)
        return result

    def _of(self, values: Any) -> int:
        tensors = {
            leaf.data_ptr(): leaf.nbytes
            for leaf in tree_leaves(values)
            if isinstance(leaf, torch.Tensor) and self._is_matrix(leaf)
        }
        return sum(tensors.values())

    def _is_matrix(self, tensor: torch.Tensor) -> bool:
        rows, columns = self.shape
        axes = ((rows, columns), (columns, rows))
        return tensor.shape[-2:] in axes or tensor.shape[-1:] == (rows * columns,)
