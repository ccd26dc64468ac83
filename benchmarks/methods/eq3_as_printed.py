"""Ablation: Eq. 3 as printed, its first term not divided by its largest entry."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("Eq. 3 as printed", normalize=False)
