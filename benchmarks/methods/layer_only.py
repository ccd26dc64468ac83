"""Ablation: a weight must be among the largest of its layer only (Eq. 5)."""

from benchmarks.harness.fia_graph import fixed

METHOD = fixed("layer only", "ablation", granularity="layer")
