"""Stage 1, contrastive concept saliency: Eq. 1 and Eq. 2, in their readable form.

Symbols: W is an FFN2 weight (C_out, C_in), X its input activations (N, C_in) with N token
positions of one prompt at one step, Y = X Wᵀ (N, C_out) without bias. Fractions, never percent;
any float dtype in, float32 inside and out. ``statistics.py`` has the fast path for Eq. 1.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from .checks import finite_float32, require_shape

TINY = torch.finfo(torch.float32).tiny
LARGEST = torch.finfo(torch.float32).max


def unified_saliency(weight: Tensor, x: Tensor, eps: float = 1e-12) -> Tensor:
    """Eq. 1: unified saliency of one prompt at one step, exact.

    U[i, j] = |W[i, j]| · ‖X[:, j]‖ · |⟨X[:, j], Y[:, i]⟩| / (‖X[:, j]‖ · ‖Y[:, i]‖ + eps)

    W and X are brought near 1 by powers of two first and the result is brought back, which
    changes no digit: sums of squares of half-precision input stay inside float32.

    Args:
        weight: (C_out, C_in), any float dtype.
        x: (N, C_in), any float dtype, on the same device.
        eps: keeps the cosine of a silent channel at 0.

    Returns:
        U, (C_out, C_in) float32, not negative.

    Raises:
        ValueError: wrong rank, different C_in, empty, NaN or infinity.
    """
    weight, x = _weight_and_input(weight, x)
    weight_scale, x_scale = _power_of_two(weight), _power_of_two(x)
    weight, x = weight / weight_scale, x / x_scale
    y = x @ weight.T
    product = (y.T @ x).abs()
    norms = y.norm(dim=0)[:, None] * x.norm(dim=0)
    scaled_eps = min(eps / (weight_scale * x_scale**2), LARGEST)
    # The smallest normal number only keeps 0 / 0 at 0 where eps vanishes beside the norms.
    cosine = product / (norms + scaled_eps).clamp_min(TINY)
    return weight.abs() * x.norm(dim=0) * cosine * weight_scale * x_scale


def released_saliency(weight: Tensor, x: Tensor) -> Tensor:
    """Eq. 1 as in the authors' published code: rows of X scaled to length 1, no cosine.

    U[i, j] = |W[i, j]| · ‖X̂[:, j]‖ with X̂[n, :] = X[n, :] / ‖X[n, :]‖; a row of zeros stays 0.

    Args:
        weight: (C_out, C_in), any float dtype.
        x: (N, C_in), any float dtype, on the same device.

    Returns:
        U, (C_out, C_in) float32, not negative.

    Raises:
        ValueError: wrong rank, different C_in, empty, NaN or infinity.
    """
    weight, x = _weight_and_input(weight, x)
    return weight.abs() * unit_rows(x).norm(dim=0)


def contrastive_saliency(concept_mean: Tensor, base_mean: Tensor, base_std: Tensor) -> Tensor:
    """Eq. 2: S = max(0, μ_c − μ_b − σ_b), what the concept adds beyond the base prompts' spread.

    Args:
        concept_mean: μ_c, mean of U over the concept prompts, any shape.
        base_mean: μ_b, mean of U over the base prompts, the same shape.
        base_std: σ_b, population standard deviation over the base prompts, the same shape.

    Returns:
        S, float32, the same shape, not negative.

    Raises:
        ValueError: different shapes, empty, NaN or infinity, a negative deviation.
    """
    concept_mean = finite_float32("concept_mean", concept_mean)
    base_mean = finite_float32("base_mean", base_mean)
    base_std = finite_float32("base_std", base_std)
    require_shape("base_mean", base_mean, concept_mean.shape, "as concept_mean")
    require_shape("base_std", base_std, concept_mean.shape, "as concept_mean")
    if base_std.min() < 0:
        raise ValueError(f"base_std: has {float(base_std.min()):g}; a deviation is not negative.")
    return (concept_mean - (base_mean + base_std)).clamp_min_(0)


def unit_rows(x: Tensor) -> Tensor:
    """``x`` (N, C_in) float32 with each row scaled to length 1; a row of zeros stays 0."""
    # Largest entry first, so that no square of the norm overflows or vanishes.
    near_one = x / x.abs().amax(dim=1, keepdim=True).clamp_min(TINY)
    return functional.normalize(near_one, dim=1)


def _weight_and_input(weight: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    weight = finite_float32("weight", weight, ("C_out", "C_in"))
    x = finite_float32("x", x, ("N", "C_in"))
    require_shape("x", x, (x.shape[0], weight.shape[1]), "(N, C_in) with weight's C_in")
    return weight, x


def _power_of_two(values: Tensor) -> float:
    """The power of two at or below the largest entry; 1/2 for zeros."""
    _, exponent = math.frexp(values.abs().max().item())
    return 2.0 ** (exponent - 1)
