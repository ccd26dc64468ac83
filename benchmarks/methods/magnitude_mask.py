"""Ablation: as many weights of each layer as FIA prunes, the largest by magnitude."""

from benchmarks.harness.fia_graph import FIA_SETTINGS, apply, concept_masks, fuse
from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    fused = fuse(draft, setup, concept_masks(draft, setup, concepts, settings), settings)
    mask = draft.add("FIABenchmarkMagnitudeMask", model=setup.model, mask=fused)
    return apply(draft, setup, mask, settings)


METHOD = Method(
    "largest weights, as many",
    "ablation",
    build,
    FIA_SETTINGS,
    packs=("ablation_nodes",),
)
