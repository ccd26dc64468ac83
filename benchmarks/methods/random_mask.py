"""Ablation: as many weights of each layer as FIA prunes, drawn at random."""

from benchmarks.harness.fia_graph import FIA_SETTINGS, apply, concept_masks, fuse
from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    fused = fuse(draft, setup, concept_masks(draft, setup, concepts, settings), settings)
    seed = settings.get("mask_seed", 0)
    mask = draft.add("FIABenchmarkRandomMask", mask=fused, seed=seed)
    return apply(draft, setup, mask, settings)


METHOD = Method(
    "random weights, as many",
    "ablation",
    build,
    FIA_SETTINGS | {"mask_seed"},
    packs=("ablation_nodes",),
)
