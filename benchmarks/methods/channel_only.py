"""Ablation: a weight must be among the largest of its output channel only (Eq. 4)."""

from benchmarks.harness.fia_graph import fixed

METHOD = fixed("channel only", "ablation", granularity="channel")
