"""Ablation: the key projections of cross-attention in place of FFN2."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("cross-attention keys", layers="cross-attention keys")
