"""Checks of arguments: each error names the argument, its value and the mend."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import torch
from torch import Tensor

SIGNIFICANT_DIGITS = 12
"""Of a share, as a dialog shows it: a slider's 0.6000000000000001 means 0.6. Every count of the
method (``int(r * n)``, ``ceil(alpha * C)``) is taken from that decimal's exact rational, so no
product can fall one short or one over."""


def finite_float32(name: str, tensor: Tensor, axes: Sequence[str] | None = None) -> Tensor:
    """``tensor`` as float32, once it is known to be finite, not empty and of the right rank.

    Args:
        name: the argument's name, for the error.
        tensor: any real dtype, on any device.
        axes: what each dimension stands for, such as ``("C_out", "C_in")``; None allows any rank.

    Returns:
        float32, detached, on the same device; the tensor itself where nothing had to change.

    Raises:
        ValueError: no tensor, boolean or complex, wrong rank, empty, NaN or infinity (also a
            float64 value that float32 cannot hold).
    """
    require_real(name, tensor)
    shape = tuple(tensor.shape)
    if axes is not None and len(shape) != len(axes):
        raise ValueError(f"{name}: has shape {shape}; give ({', '.join(axes)}).")
    if tensor.numel() == 0:
        raise ValueError(f"{name}: has shape {shape}, no entries; give at least one.")
    values = tensor.detach().to(torch.float32)
    extremes = torch.stack(torch.aminmax(values))  # NaN if any is; far faster than all of isfinite
    if not torch.isfinite(extremes).all():
        place = tuple((~torch.isfinite(values)).nonzero()[0].tolist())
        raise ValueError(
            f"{name}: holds {values[place].item()} at {place} in float32; "
            "every entry must be finite."
        )
    return values


def require_real(name: str, tensor: Tensor) -> None:
    """Raise ValueError unless ``tensor`` is a tensor of real numbers."""
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{name}: is {type(tensor).__name__}; give a torch tensor.")
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise ValueError(f"{name}: has dtype {tensor.dtype}; give a floating-point tensor.")


def require_shape(name: str, tensor: Tensor, shape: Sequence[int], meaning: str) -> None:
    """Raise ValueError unless ``tensor`` has ``shape``; ``meaning`` says where it comes from."""
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(
            f"{name}: has shape {tuple(tensor.shape)}; give {tuple(shape)}, {meaning}."
        )


def require_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name}: is {value!r}; choose one of {', '.join(map(repr, choices))}.")


def decimal_share(name: str, value: float) -> Fraction:
    """The exact rational of ``value``'s decimal, read to 12 significant digits.

    Args:
        name: the argument that ``value`` came in, for the error.
        value: a fraction in (0, 1], not percent.

    Raises:
        ValueError: ``value`` is no number in (0, 1].
    """
    try:
        share = Fraction(f"{Decimal(str(value)):.{SIGNIFICANT_DIGITS}g}")
    except (InvalidOperation, ValueError):
        share = Fraction(0)
    if not 0 < share <= 1:
        raise ValueError(
            f"{name}: is {value!r}; give a fraction above 0 and at most 1 (5 % is 0.05)."
        )
    return share


def share_count(share: Fraction, total: int) -> int:
    """How many entries ``share`` of ``total`` is: ``max(1, int(share * total))``."""
    return max(1, int(share * total))
