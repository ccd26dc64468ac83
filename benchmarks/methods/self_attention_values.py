"""Ablation: the value projections of self-attention in place of FFN2."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("self-attention values", layers="self-attention values")
