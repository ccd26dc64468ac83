"""Ablation: every weight that any concept's mask holds is pruned; none is agnostic."""

from benchmarks.harness.fia_graph import (
    APPLY_SETTINGS,
    BUILD_SETTINGS,
    PROFILE_SETTINGS,
    apply,
    concept_masks,
)
from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    masks = concept_masks(draft, setup, concepts, settings)
    return apply(draft, setup, draft.add("FIABenchmarkUnionMask", masks=masks), settings)


METHOD = Method(
    "union, no agnostic weights",
    "ablation",
    build,
    PROFILE_SETTINGS | BUILD_SETTINGS | APPLY_SETTINGS,
    packs=("ablation_nodes",),
)
