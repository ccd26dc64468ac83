"""Selection of the largest entries without a sort, exact at ties.

On a CPU numpy's partition is many times faster than torch's topk on a whole layer; elsewhere, and
on many short rows, topk is the faster one.
"""

import numpy as np
import torch
from torch import Tensor

LEAST = 2.0**-149
"""The smallest float32 above 0."""

SAMPLED = 64
"""A sample has every 64th value."""

SPARE = 16
"""Values more than the sample calls for, so that it seldom misleads."""


def kth_largest(values: Tensor, count: int) -> Tensor:
    """The ``count``-th largest entry of each row; 0 where fewer than ``count`` are above 0.

    Args:
        values: (rows, n) float32, finite.
        count: from 1 to n.

    Returns:
        (rows, 1), on the device of ``values``.
    """
    if _is_one_long_row(values):
        return torch.tensor([[_kth(values.numpy().reshape(-1), count)]])
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
    if _is_one_long_row(values):
        return _top_of_one_row(values, count)
    threshold = kth_largest(values, count)
    chosen = values >= threshold.clamp_min(LEAST)
    crowded = set_in_rows(chosen) > count
    if crowded.any():
        chosen[crowded] = _first_of_ties(values[crowded], threshold[crowded], count)
    return chosen


def top_places(values: Tensor, count: int) -> Tensor:
    """Places of the ``count`` largest entries; ties go to the lower place.

    Args:
        values: (n,) float32, above 0 and finite.
        count: from 1 to n.

    Returns:
        (count,) int64, ascending.
    """
    if values.device.type == "cpu":
        return torch.from_numpy(_largest(values.numpy(), count))
    return top_entries(values[None], count)[0].nonzero().squeeze(1)


def top_in_rows(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """``top_entries`` of rows that are given as a list of their entries above 0.

    Args:
        values: (n,) float32, above 0 and finite.
        rows: (n,) int64, the row of each value, ascending.
        count: entries of a row, at least 1.

    Returns:
        (n,) bool, True for an entry among the largest of its row.
    """
    in_row = torch.bincount(rows)
    crowded = in_row > count
    chosen = torch.ones_like(values, dtype=torch.bool)
    if crowded.any():
        given = in_row[crowded]
        slots = torch.arange(int(given.max()), device=values.device) < given[:, None]
        side_by_side = values.new_zeros(slots.shape).masked_scatter_(slots, values[crowded[rows]])
        chosen[crowded[rows]] = top_entries(side_by_side, count)[slots]
    return chosen


def entries_above_zero(values: Tensor) -> tuple[Tensor, Tensor]:
    """Flat places (n,) int64, ascending, and values (n,) of the entries that are above 0.

    Most entries of a sensitivity are 0, and selecting is slow where many are equal.
    """
    if values.device.type == "cpu":
        places, positive = _numpy_entries(values)
        return torch.from_numpy(places), torch.from_numpy(positive)
    flat = values.flatten()
    places = (flat > 0).nonzero().squeeze(1)
    return places, flat[places]


def set_in_rows(mask: Tensor) -> Tensor:
    """How many entries of each row of ``mask``, (rows, n) bool, are set: (rows,) int32."""
    return mask.view(torch.uint8).sum(dim=1, dtype=torch.int32)  # faster than count_nonzero


def _first_of_ties(values: Tensor, threshold: Tensor, count: int) -> Tensor:
    """The ``count`` largest entries of rows that have more at their threshold, (rows, n) bool."""
    above = values > threshold
    tied = values == threshold
    places_left = count - set_in_rows(above)[:, None]
    return above | (tied & (tied.cumsum(dim=1, dtype=torch.int32) <= places_left))


def _is_one_long_row(values: Tensor) -> bool:
    return len(values) == 1 and values.device.type == "cpu"


def _top_of_one_row(values: Tensor, count: int) -> Tensor:
    """``top_entries`` of (1, n) on the CPU."""
    places, positive = _numpy_entries(values)
    if len(places) > count:
        places = places[_largest(positive, count)]
    chosen = torch.zeros(values.shape, dtype=torch.bool)
    chosen.numpy()[0, places] = True
    return chosen


def _numpy_entries(values: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """``entries_above_zero`` of values on the CPU."""
    flat = values.numpy().reshape(-1)
    places = np.flatnonzero(flat > 0)
    return places, flat[places]


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """``top_places`` of (n,) on the CPU."""
    threshold = _kth(values, count)
    places = np.flatnonzero(values >= threshold)
    tied = np.flatnonzero(values[places] == threshold)
    return np.delete(places, tied[len(tied) - (len(places) - count) :])


def _kth(values: np.ndarray, count: int) -> float:
    """The ``count``-th largest of (n,); 0 where fewer than ``count`` are above 0.

    A sample of the values tells which few are worth a partition; where it misleads, all above 0
    are. Zeros are left out, since partitions are slow where many values are equal.
    """
    sample = np.sort(values[::SAMPLED])
    place = len(sample) - count // SAMPLED * 5 // 4 - SPARE
    for bound in (sample[max(0, place)], 0.0):
        large = values[values >= max(bound, LEAST)]
        if len(large) >= count:
            return float(np.partition(large, len(large) - count)[len(large) - count])
    return 0.0
