"""Ablation: Eq. 3 without its second term, how often a weight is among the largest."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("no frequency term", frequency=False)
