"""A mask's record of the masks and profiles that it was made from."""

from collections.abc import Mapping
from typing import Any

from ..mask import NeuronMask


def origin_record(mask: NeuronMask) -> dict[str, Any]:
    """A fused mask's record of one mask that went into it, JSON."""
    return {
        "concepts": list(mask.concepts),
        "settings": mask.settings,
        "provenance": mask.provenance,
    }


def model_weights(provenance: Mapping[str, Any]) -> int | None:
    """Weights of the whole denoiser, as a profile recorded them; None where none did.

    Args:
        provenance: of a concept's mask or a fused one, through fusions of fusions.
    """
    waiting = [provenance]
    while waiting:
        record = waiting.pop()
        settings, origins = record.get("profile_settings"), record.get("masks")
        weights = settings.get("model_weights") if isinstance(settings, dict) else None
        if type(weights) is int and weights > 0:
            return weights
        for origin in reversed(origins if isinstance(origins, list) else []):
            below = origin.get("provenance") if isinstance(origin, dict) else None
            if isinstance(below, dict):
                waiting.append(below)
    return None
