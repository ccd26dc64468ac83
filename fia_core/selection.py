"""Selection of the largest entries without a sort, exact at ties."""

import numpy as np
import torch
from torch import Tensor

LEAST = 2.0**-149
"""The smallest float32 above 0."""


def kth_largest(values: Tensor, count: int) -> Tensor:
    """The ``count``-th largest entry of each row; 0 where fewer than ``count`` are above 0.

    Args:
        values: (rows, n) float32, finite.
        count: from 1 to n.

    Returns:
        (rows, 1), on the device of ``values``.
    """
    if len(values) == 1 and values.device.type == "cpu":
        return torch.tensor([[_kth_above_zero(values.numpy()[0], count)]])
    return values.topk(count, sorted=False).values.amin(dim=1, keepdim=True).clamp_min_(0)


def top_entries(values: Tensor, count: int) -> Tensor:
    """Which entries are among the ``count`` largest of their row; ties go to the lower index.

    Entries that are not above 0 are never selected, so a row may hold fewer than ``count``.

    Args:
        values: (rows, n) float32, finite.
        count: from 1 to n.

    Returns:
        (rows, n) bool.
    """
    threshold = kth_largest(values, count).clamp_min_(LEAST)
    chosen = values >= threshold
    crowded = set_in_rows(chosen) > count
    if crowded.any():
        chosen[crowded] = _first_of_ties(values[crowded], threshold[crowded], count)
    return chosen


def set_in_rows(mask: Tensor) -> Tensor:
    """How many entries of each row of ``mask``, (rows, n) bool, are set: (rows,) int32."""
    return mask.view(torch.uint8).sum(dim=1, dtype=torch.int32)  # faster than count_nonzero


def _kth_above_zero(values: np.ndarray, count: int) -> float:
    """``kth_largest`` of one long row, many times faster than topk on a CPU.

    Zeros are left out first: most entries are, and a partition is slow among equal ones.
    """
    positive = values[np.flatnonzero(values > 0)]  # faster than by the mask itself
    place = len(positive) - count
    return np.partition(positive, place)[place] if place >= 0 else 0.0


def _first_of_ties(values: Tensor, threshold: Tensor, count: int) -> Tensor:
    """The ``count`` largest entries of rows that have more at their threshold, (rows, n) bool."""
    above = values > threshold
    tied = values == threshold
    places_left = count - set_in_rows(above)[:, None]
    return above | (tied & (tied.cumsum(dim=1, dtype=torch.int32) <= places_left))
