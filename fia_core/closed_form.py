"""Closed-Form LoRA, ours and not the paper's: every weight of a layer moves a little and none is
pruned. UCE's objective (arXiv 2308.14761), on what the layer reads in the picture instead of what
cross-attention reads in the text.

x_c are tokens of prompts with a concept, y_b what the layer makes of the same tokens without it, x
all other tokens. W' is the minimum of

    Σ ‖W' x_c − y_b‖² + p Σ ‖(W' − W) x‖² + λ m ‖W' − W‖²

    W' = W + N (K + λ m I)⁻¹,   N = Σ (y_b − W x_c) x_cᵀ,   K = Σ x_c x_cᵀ + p Σ x xᵀ

where m is the mean of K's diagonal, so that λ means the same in every layer. The same token is the
one at the same place, of the text's tokens too where a layer reads them.
"""

import torch
from torch import Tensor


class ClosedForm:
    """N and K of a layer, from the prompts of one scene after another.

    Args:
        shape: (C_out, C_in) of the layer's weight.
        scene: prompts of a scene. The first is without a concept.
        forgotten: how many prompts after it have a concept that should go; the rest should stay.
        device: where N and K are kept, float32.
        preserve_scale: p, how much what should stay weighs.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        scene: int,
        forgotten: int,
        device: torch.device,
        preserve_scale: float = 1.0,
    ) -> None:
        c_out, c_in = shape
        self._moved = torch.zeros(c_out, c_in, device=device)
        self._read = torch.zeros(c_in, c_in, device=device)
        self._wanted = torch.zeros(0, c_out, device=device)
        self._scene, self._forgotten = scene, forgotten
        self._preserve_scale = preserve_scale

    def add(self, first: int, x: Tensor, y: Tensor) -> None:
        """Take in prompts at one step, all of one size.

        Where prompts differ in their number of tokens, as many of the last are compared: text comes
        before the picture.

        Args:
            first: position of the first of them among the prompts of all scenes.
            x: (prompts, tokens, C_in), what the layer reads.
            y: (prompts, tokens, C_out), x Wᵀ.
        """
        places = [(first + row) % self._scene for row in range(len(x))]
        moved = torch.zeros_like(self._moved, device=x.device)
        for place, x_c, y_c in zip(places, x, y, strict=True):
            if place == 0:
                self._wanted = y_c.to(self._read.device, copy=True)
            elif place <= self._forgotten:
                last = min(len(y_c), len(self._wanted))
                wanted = self._wanted[-last:].to(y_c)
                moved += (wanted.float() - y_c[-last:].float()).T @ x_c[-last:].float()
        self._moved += moved.to(self._moved.device)
        self._read += self._weighted(places, x).to(self._read.device)

    def _weighted(self, places: list[int], x: Tensor) -> Tensor:
        """What the prompts add to K."""
        x = x.float()
        if self._preserve_scale != 1:
            stays = [not 0 < place <= self._forgotten for place in places]
            roots = torch.ones(len(x), 1, 1, device=x.device)
            roots[stays] = self._preserve_scale**0.5
            x = x * roots
        x = x.flatten(0, 1)
        return x.T @ x

    @property
    def inputs(self) -> int:
        """C_in."""
        return len(self._read)

    @property
    def is_finite(self) -> bool:
        return bool(self._read.isfinite().all() and self._moved.isfinite().all())

    def finish(self) -> None:
        """Free what is needed only while prompts come."""
        self._wanted = torch.zeros(0, len(self._moved), device=self._moved.device)

    def difference(self, ridge: float, device: torch.device) -> Tensor:
        """W' − W, (C_out, C_in): float64 on a CPU, float32 elsewhere; 0 of a layer that read zeros.

        Args:
            ridge: λ, how firmly every weight is held.
            device: where it is solved and returned.
        """
        dtype = torch.float64 if device.type == "cpu" else torch.float32
        # First to the device: Apple's GPU knows no float64.
        moved, held = self._moved.to(device).to(dtype), self._read.to(device, copy=True).to(dtype)
        mean = held.diagonal().mean()
        if mean == 0:
            return torch.zeros_like(moved)
        held.diagonal().add_(ridge * mean)
        return torch.cholesky_solve(moved.T, torch.linalg.cholesky(held)).T
