"""Shared by the rows: the host, the options of the run, ten profiles at SD 1.5's size."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.environment import ROOT
from workbench.in_process import Extension

from .settings import CONCEPTS

PROFILES = ROOT / "results" / "true_size"
PROFILED = "SD 1.5 size, random weights, 10 profiles of 2 + 2 prompts, 10 steps, 64 px"


@dataclass(frozen=True)
class Bench:
    """One run.

    Attributes:
        extension: this extension, loaded by the host.
        rounds: of each pair of timings.
        side: of the pictures in pixels where the row does not set its own.
    """

    extension: Extension
    rounds: int
    side: int

    @property
    def core(self) -> Any:
        """``fia_core``."""
        return self.extension.core

    @cached_property
    def sd15(self) -> Any:
        """SD 1.5 at its true size in float32."""
        from .models import sd15

        return sd15()

    @cached_property
    def profiles(self) -> list[Any]:
        """Profiles of ``CONCEPTS`` in ``sd15``: two contexts, ten steps, 64 pixels.

        Kept in ``results/true_size``; delete that folder to make new ones.
        """
        from .sampling import profile, profile_request

        PROFILES.mkdir(parents=True, exist_ok=True)
        paths = [profile_path(concept) for concept in CONCEPTS]
        if not all(path.exists() for path in paths):
            request = profile_request(self.extension, CONCEPTS, 2, 10, 64, chunk=12)
            for path, made in zip(paths, profile(self.extension, self.sd15, request), strict=True):
                made.save(path)
        return [self.core.ConceptProfile.load(path) for path in paths]


def gigabytes(count: float) -> float:
    """Bytes as GB."""
    return count / 1e9


def megabytes(count: float) -> float:
    """Bytes as MB."""
    return count / 1e6


def profile_path(concept: str) -> Path:
    """Where ``Bench.profiles`` keeps the profile of ``concept``."""
    return PROFILES / f"{concept}.safetensors"
