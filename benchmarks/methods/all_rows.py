"""Ablation: the unconditional half of guidance counts, too, as in the authors' code."""

from benchmarks.harness.fia_graph import variant

METHOD = variant("both halves of guidance", rows="all")
