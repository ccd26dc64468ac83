"""Ablation: the concept's mean saliency alone, base prompts not taken off (Eq. 2)."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("no contrast", contrast=False)
