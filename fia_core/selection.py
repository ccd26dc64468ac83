"""Selection of the largest entries without a full sort, exact at ties."""

import torch
from torch import Tensor


def kth_largest(values: Tensor, count: int) -> Tensor:
    """The ``count``-th largest entry of each row.

    Args:
        values: (rows, n).
        count: from 1 to n.

    Returns:
        (rows, 1), of the dtype of ``values``.
    """
    return values.topk(count, dim=-1, sorted=False).values.amin(dim=-1, keepdim=True)


def top_entries(values: Tensor, count: int) -> Tensor:
    """Which entries are among the ``count`` largest of their row; ties go to the lower index.

    Entries that are not above 0 are never selected, so a row may hold fewer than ``count``.

    Args:
        values: (rows, n), finite.
        count: from 1 to n.

    Returns:
        (rows, n) bool.
    """
    threshold = kth_largest(values, count)
    above = values > threshold
    tied = values == threshold
    places_left = count - above.sum(dim=-1, keepdim=True)
    first_tied = tied & (tied.cumsum(dim=-1, dtype=torch.int32) <= places_left)
    return (above | first_tied) & (values > 0)
