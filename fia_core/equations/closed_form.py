"""FFN2 in closed form, ours and not the paper's: every weight of a layer moves a little and none is
switched off. UCE's objective (arXiv 2308.14761), on what the layer reads in the picture instead of
what cross-attention reads in the text.

x_c are tokens of prompts with a concept, y_b what the layer makes of the same tokens without it, x
all other tokens. W' is the minimum of

    Σ ‖W' x_c − y_b‖² + p Σ ‖(W' − W) x‖² + λ m ‖W' − W‖²

    W' = W + N (K + λ m I)⁻¹,   N = Σ (y_b − W x_c) x_cᵀ,   K = Σ x_c x_cᵀ + p Σ x xᵀ

where m is the mean of K's diagonal, so that λ means the same in every layer.
"""

import torch
from torch import Tensor

LEAST_RIDGE = 2**-6


class ClosedForm:
    """N and K of a layer, from prompts that come one scene after another.

    Args:
        shape: (C_out, C_in) of the layer's weight.
        forgotten: prompts of a scene, after the one without a concept, whose concept should go;
            those that follow should stay.
        device: where N and K are kept, float32.
        preserve_scale: p, how much what should stay weighs.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        forgotten: int,
        device: torch.device,
        preserve_scale: float = 1.0,
    ) -> None:
        c_out, c_in = shape
        self._moved = torch.zeros(c_out, c_in, device=device)
        self._read = torch.zeros(c_in, c_in, device=device)
        self._forgotten = forgotten
        self._wanted = torch.zeros(())
        self._root = preserve_scale**0.5

    def add(self, first: int, x: Tensor, y: Tensor) -> None:
        """Take in some prompts of a scene at one step; the one without a concept comes first.

        Where prompts differ in their number of tokens, as many of the last are compared: text comes
        before the picture.

        Args:
            first: position of the first of them in the scene.
            x: (prompts, tokens, C_in), what the layer reads.
            y: (prompts, tokens, C_out), x Wᵀ.
        """
        x, y = x.float(), y.float()
        if first == 0:
            self._wanted = y[0].clone()
        forgotten = slice(max(1 - first, 0), max(1 + self._forgotten - first, 0))
        roots = torch.full((len(x), 1, 1), self._root, device=x.device)
        roots[forgotten] = 1.0
        self._read += _products(roots * x, roots * x).to(self._read.device)
        last = min(x.shape[1], len(self._wanted))
        moved = self._wanted[-last:] - y[forgotten, -last:]
        self._moved += _products(moved, x[forgotten, -last:]).to(self._moved.device)

    @property
    def inputs(self) -> int:
        """C_in."""
        return len(self._read)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read."""
        return not bool(self._read.any())

    @property
    def is_finite(self) -> bool:
        return bool(self._read.isfinite().all() and self._moved.isfinite().all())

    def difference(self, ridge: float, device: torch.device) -> Tensor:
        """W' − W, (C_out, C_in) float32.

        Args:
            ridge: λ, how firmly every weight is held; at least ``LEAST_RIDGE``, for float32.
            device: where it is solved and returned.
        """
        held = self._read.to(device, copy=True)
        held.diagonal().add_(ridge * held.diagonal().mean())
        return torch.cholesky_solve(self._moved.to(device).T, torch.linalg.cholesky(held)).T


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Σ l rᵀ over the tokens of all prompts, (C_l, C_r)."""
    return left.flatten(0, 1).T @ right.flatten(0, 1)
