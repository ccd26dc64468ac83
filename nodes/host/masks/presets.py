"""The paper's settings for a kind of concept, as the dialogs show them."""

from ....fia_core import Preset


def percentages(preset: Preset) -> dict[str, float]:
    """Widget name and percentage of each setting."""
    return {
        "temporal_sparsity": percent(preset.temporal_sparsity),
        "spatial_sparsity": percent(preset.spatial_sparsity),
        "agnostic_ratio": percent(preset.agnostic_ratio),
    }


def percent(fraction: float) -> float:
    """0.007 gives 0.7, not 0.7000000000000001."""
    return round(100 * fraction, 4)
