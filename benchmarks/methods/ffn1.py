"""Ablation: the first linear layers of the feed-forward blocks in place of the second."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("FFN1", layers="ffn1")
