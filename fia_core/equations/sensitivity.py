"""Stage 2, concept-sensitive neurons: Eq. 3 over the steps, Eq. 4-6 over the layer."""

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from .checks import decimal_share, finite_float32, require_choice, require_shape, share_count
from .selection import entries_above_zero, kth_largest, top_in_rows, top_places

GRANULARITIES = ("both", "channel", "layer")


class SensitivityAccumulator:
    """Eq. 3: A = ½ · (1/T) Σ_t S_t + ½ · (1/T) Σ_t 1[S_t > τ_t].

    One step after the other, in the memory of one float32 and one byte a weight.

    Args:
        temporal_sparsity: r1 in (0, 1].
        shape: (C_out, C_in).
        device: where the state lives.

    Raises:
        ValueError: a sparsity outside (0, 1].
    """

    def __init__(
        self,
        temporal_sparsity: float,
        shape: tuple[int, ...],
        device: torch.device | str = "cpu",
    ) -> None:
        self._share = decimal_share("temporal_sparsity", temporal_sparsity)
        self._steps = 0
        self._total = torch.zeros(shape, dtype=torch.float32, device=device)
        self._exceedances = torch.zeros(shape, dtype=torch.uint8, device=device)

    def add(self, step_saliency: Tensor) -> None:
        """Add S_t, (C_out, C_in), of the next step; on any device, where its threshold is found.

        Raises:
            ValueError: another shape than this was made for, empty, NaN or infinity.
        """
        step_saliency = finite_float32("step_saliency", step_saliency, ("C_out", "C_in"))
        require_shape("step_saliency", step_saliency, self._total.shape, "as this was made for")
        self.fold(step_saliency)

    def fold(self, step_saliency: Tensor) -> None:
        """``add`` without a look at the values, which would wait for the device.

        Args:
            step_saliency: (C_out, C_in) float32; whoever calls knows that it is finite, or finds
                out later and drops the result.
        """
        exceeds = step_saliency > temporal_threshold(step_saliency, self._share)
        self._steps += 1
        if self._steps == 256:  # more than a byte can count
            self._exceedances = self._exceedances.to(torch.int16)
        self._total += step_saliency.to(self._total.device)
        self._exceedances += exceeds.to(self._total.device)

    def result(self, normalize: bool = True) -> Tensor:
        """A, (C_out, C_in) float32, of the steps so far.

        Args:
            normalize: divide the first term by its largest entry, as the authors' code does, so
                that both terms lie in [0, 1]; False is the equation as printed.

        Raises:
            ValueError: no step was added.
        """
        if self._steps == 0:
            raise ValueError("step_saliency: none was added; add at least one step first.")
        mean = self._total / self._steps
        largest = mean.max()
        if normalize and largest > 0:
            mean /= largest
        return 0.5 * mean + 0.5 * (self._exceedances / self._steps)


def temporal_threshold(step_saliency: Tensor, temporal_sparsity: Fraction) -> Tensor:
    """τ_t of Eq. 3: the k-th largest entry, k = max(1, int(r1 · n)), and at least 0.

    Args:
        step_saliency: S_t, (C_out, C_in) float32.
        temporal_sparsity: r1, exact.

    Returns:
        τ_t, one float32 on the same device; 0 where fewer than k entries are above 0.
    """
    count = share_count(temporal_sparsity, step_saliency.numel())
    return kth_largest(step_saliency.reshape(1, -1), count).squeeze()


def concept_sensitive_mask(
    sensitivity: Tensor, spatial_sparsity: float, granularity: str = "both"
) -> Tensor:
    """Eq. 4-6: the concept's mask Q = C ∩ G.

    Entries that are not above 0 are never selected; ties go to the lower flat index.

    Args:
        sensitivity: A, (C_out, C_in), Eq. 3, any float dtype.
        spatial_sparsity: r2 in (0, 1].
        granularity: "both" (Q), "channel" (C only) or "layer" (G only).

    Returns:
        (C_out, C_in) bool, True for a concept-sensitive weight.

    Raises:
        ValueError: wrong rank, empty, NaN or infinity, a sparsity outside (0, 1], unknown
            granularity.
    """
    sensitivity = finite_float32("sensitivity", sensitivity, ("C_out", "C_in"))
    share = decimal_share("spatial_sparsity", spatial_sparsity)
    places, values = entries_above_zero(sensitivity)
    return select_entries(places, values, sensitivity.shape, share, granularity)


def select_entries(
    places: Tensor,
    values: Tensor,
    shape: Sequence[int],
    spatial_sparsity: Fraction,
    granularity: str,
) -> Tensor:
    """Eq. 4-6 over the entries of A that are above 0, or those of them that can be selected.

    Args:
        places: (n,) int64, ascending, their places in the flat A.
        values: (n,) float32, their values.
        shape: (C_out, C_in) of A.
        spatial_sparsity: r2, exact.
        granularity: one of ``GRANULARITIES``.

    Returns:
        (C_out, C_in) bool, True for a concept-sensitive weight.

    Raises:
        ValueError: unknown granularity.
    """
    require_choice("granularity", granularity, GRANULARITIES)
    channels, inputs = shape
    of_layer = share_count(spatial_sparsity, channels * inputs)
    if granularity != "channel" and len(values) > of_layer:
        chosen = top_places(values, of_layer)  # Eq. 5, set G
        places, values = places[chosen], values[chosen]
    if granularity != "layer":
        # Eq. 4, set C. What G holds of a row are the row's largest entries, so the same within G
        # is C ∩ G, Eq. 6.
        chosen = top_in_rows(values, places // inputs, share_count(spatial_sparsity, inputs))
        places = places[chosen]
    mask = torch.zeros(channels * inputs, dtype=torch.bool, device=values.device)
    mask[places] = True
    return mask.reshape(channels, inputs)
