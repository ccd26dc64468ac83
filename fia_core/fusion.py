"""Stage 3, multi-concept fusion: Eq. 7-8."""

from collections.abc import Iterable
from math import ceil

import torch
from torch import Tensor

from .checks import require_shape
from .shares import decimal_share


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
    """Eq. 7-8: what the concepts share is kept, what only some hold is pruned.

    s[i, j] counts the masks that hold (i, j). s ≥ τ_ca: concept-agnostic, kept.
    0 < s < τ_ca: pruned.

    Args:
        masks: one bool tensor a concept, all of one shape.
        agnostic_ratio: alpha in (0, 1].

    Returns:
        ``(pruned, agnostic)``, two bool tensors of the masks' shape.

    Raises:
        ValueError: no masks, a mask that is not bool, different shapes, a ratio outside (0, 1].
    """
    masks = list(masks)
    if not masks:
        raise ValueError("masks: is empty; give the mask of at least one concept.")
    for position, mask in enumerate(masks):
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            found = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
            raise ValueError(f"masks: number {position} is {found}; give bool tensors.")
        require_shape(f"masks: number {position}", mask, masks[0].shape, "as the first mask")
    threshold = agnostic_threshold(agnostic_ratio, len(masks))
    held = torch.zeros_like(masks[0], dtype=torch.uint8 if len(masks) < 256 else torch.int16)
    for mask in masks:
        held += mask
    agnostic = held >= threshold
    return (held > 0).logical_xor_(agnostic), agnostic
