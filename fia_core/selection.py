"""Selection of the largest entries without a sort, exact at ties."""

import numpy as np
import torch
from torch import Tensor


def kth_largest(values: Tensor, count: int) -> Tensor:
    """The ``count``-th largest entry of each row.

    Args:
        values: (rows, n), no NaN.
        count: from 1 to n.

    Returns:
        (rows, 1), of the dtype of ``values``.
    """
    if values.device.type == "cpu":  # where numpy's partition is many times faster than topk
        place = values.shape[1] - count
        return torch.from_numpy(np.partition(values.numpy(), place)[:, place, None].copy())
    return values.topk(count, sorted=False).values.amin(dim=1, keepdim=True)


def top_entries(values: Tensor, count: int) -> Tensor:
    """Which entries are among the ``count`` largest of their row; ties go to the lower index.

    Entries that are not above 0 are never selected, so a row may hold fewer than ``count``.

    Args:
        values: (rows, n) float32, finite.
        count: from 1 to n.

    Returns:
        (rows, n) bool.
    """
    threshold = kth_largest(values, count)
    chosen = (values >= threshold).logical_and_(values > 0)
    crowded = chosen.count_nonzero(dim=1) > count
    if crowded.any():
        chosen[crowded] = _first_of_ties(values[crowded], threshold[crowded], count)
    return chosen


def _first_of_ties(values: Tensor, threshold: Tensor, count: int) -> Tensor:
    """The ``count`` largest entries of rows that have more at their threshold, (rows, n) bool."""
    above = values > threshold
    tied = values == threshold
    places_left = count - above.count_nonzero(dim=1)[:, None]
    return above | (tied & (tied.cumsum(dim=1, dtype=torch.int32) <= places_left))
