"""The method's equations as loops in Python floats (float64), straight from the text."""

from math import sqrt

import torch
from torch import Tensor


def unified_saliency(weight: Tensor, x: Tensor, eps: float) -> Tensor:
    """Eq. 1."""
    w, rows = weight.double().tolist(), x.double().tolist()
    y = [[sum(a * b for a, b in zip(row, channel, strict=True)) for channel in w] for row in rows]
    saliency = torch.zeros(len(w), len(w[0]), dtype=torch.float64)
    for i, channel in enumerate(w):
        y_norm = sqrt(sum(row[i] ** 2 for row in y))
        for j, connection in enumerate(channel):
            x_norm = sqrt(sum(row[j] ** 2 for row in rows))
            inner = sum(rows[n][j] * y[n][i] for n in range(len(rows)))
            cosine = abs(inner) / (x_norm * y_norm + eps) if x_norm * y_norm + eps else 0.0
            saliency[i, j] = abs(connection) * x_norm * cosine
    return saliency


def released_saliency(weight: Tensor, x: Tensor) -> Tensor:
    """Eq. 1 without the cosine, rows of X scaled to length 1."""
    w, rows = weight.double().tolist(), x.double().tolist()
    lengths = [sqrt(sum(value**2 for value in row)) or 1.0 for row in rows]
    saliency = torch.zeros(len(w), len(w[0]), dtype=torch.float64)
    for i, channel in enumerate(w):
        for j, connection in enumerate(channel):
            squares = [(row[j] / length) ** 2 for row, length in zip(rows, lengths, strict=True)]
            saliency[i, j] = abs(connection) * sqrt(sum(squares))
    return saliency


def time_integrated_sensitivity(saliency: Tensor, hundredths: int, normalize: bool) -> Tensor:
    """Eq. 3, with r1 in hundredths."""
    steps, channels, inputs = saliency.shape
    flat = saliency.double().reshape(steps, -1).tolist()
    count = max(1, hundredths * channels * inputs // 100)
    mean = [sum(step[n] for step in flat) / steps for n in range(channels * inputs)]
    largest = max(mean)
    if normalize and largest > 0:
        mean = [value / largest for value in mean]
    exceeds = [0] * len(mean)
    for step in flat:
        threshold = max(0.0, sorted(step, reverse=True)[count - 1])
        for n, value in enumerate(step):
            exceeds[n] += value > threshold
    sensitivity = [0.5 * m + 0.5 * e / steps for m, e in zip(mean, exceeds, strict=True)]
    return torch.tensor(sensitivity, dtype=torch.float64).reshape(channels, inputs)


def largest_entries(values: list[float], count: int) -> list[bool]:
    """The ``count`` largest that are above 0; ties to the lower index."""
    order = sorted(range(len(values)), key=lambda index: (-values[index], index))
    chosen = {index for index in order[:count] if values[index] > 0}
    return [index in chosen for index in range(len(values))]


def concept_sensitive_mask(sensitivity: Tensor, hundredths: int, granularity: str) -> Tensor:
    """Eq. 4-6, with r2 in hundredths."""
    channels, inputs = sensitivity.shape
    row_count = max(1, hundredths * inputs // 100)
    layer_count = max(1, hundredths * channels * inputs // 100)
    by_channel = torch.tensor([largest_entries(row, row_count) for row in sensitivity.tolist()])
    flat = largest_entries(sensitivity.flatten().tolist(), layer_count)
    by_layer = torch.tensor(flat).reshape(channels, inputs)
    return {"channel": by_channel, "layer": by_layer, "both": by_channel & by_layer}[granularity]


def fuse_masks(masks: list[Tensor], hundredths: int) -> tuple[Tensor, Tensor]:
    """Eq. 7-8, with alpha in hundredths."""
    threshold = max(2, -(-hundredths * len(masks) // 100))
    pruned, agnostic = torch.zeros_like(masks[0]), torch.zeros_like(masks[0])
    for i in range(masks[0].shape[0]):
        for j in range(masks[0].shape[1]):
            held = sum(bool(mask[i, j]) for mask in masks)
            agnostic[i, j] = held >= threshold
            pruned[i, j] = 0 < held < threshold
    return pruned, agnostic


def assert_near(actual: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    """``actual`` is float32 and within ``tolerance`` of the largest entry of ``expected``."""
    assert actual.dtype == torch.float32
    assert actual.shape == expected.shape
    difference = (actual.double() - expected).abs().max().item()
    assert difference <= tolerance * expected.abs().max().item()
