"""Stage 3, multi-concept fusion: Eq. 7-8."""

from collections.abc import Iterable
from math import ceil

import torch
from torch import Tensor

from .checks import decimal_share, require_shape


def agnostic_threshold(agnostic_ratio: float, concept_count: int) -> int:
    """Eq. 7, τ_ca = max(2, ⌈alpha · C⌉), exact for the decimal that the user sees.

    At least 2, so that the mask of a single concept is pruned whole.

    Args:
        agnostic_ratio: alpha in (0, 1].
        concept_count: C, at least 1.

    Raises:
        ValueError: a ratio outside (0, 1], a count below 1.
    """
    share = decimal_share("agnostic_ratio", agnostic_ratio)
    if concept_count < 1:
        raise ValueError(f"concept_count: is {concept_count}; give at least 1.")
    return max(2, ceil(share * concept_count))


def fuse_masks(masks: Iterable[Tensor], agnostic_ratio: float) -> tuple[Tensor, Tensor]:
    """Eq. 7-8: what many concepts hold is kept, what only some hold is pruned.

    s[i, j] counts the masks that hold (i, j). s ≥ τ_ca: concept-agnostic, kept.
    0 < s < τ_ca: pruned.

    Args:
        masks: one bool tensor a concept, all of one shape; an iterator need not hold more than one
            of them at a time.
        agnostic_ratio: alpha in (0, 1].

    Returns:
        ``(pruned, agnostic)``, two bool tensors of the masks' shape.

    Raises:
        ValueError: no masks, a mask that is not bool, different shapes, a ratio outside (0, 1].
    """
    held, count = torch.zeros(0), 0
    for count, mask in enumerate(masks, start=1):
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            found = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
            raise ValueError(f"masks: number {count - 1} is {found}; give bool tensors.")
        if count == 1:
            held = torch.zeros_like(mask, dtype=torch.uint8)
        require_shape(f"masks: number {count - 1}", mask, held.shape, "as the first mask")
        held = held.to(torch.int16) if count == 256 else held  # more than a byte can count
        held += mask
    if count == 0:
        raise ValueError("masks: is empty; give the mask of at least one concept.")
    agnostic = held >= agnostic_threshold(agnostic_ratio, count)
    return (held > 0).logical_xor_(agnostic), agnostic
