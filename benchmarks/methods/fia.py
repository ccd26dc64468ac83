"""Forget-It-All with Eq. 1 as the paper prints it: the shipped nodes as they are."""

from benchmarks.harness.fia_graph import fixed

METHOD = fixed("FIA, exact Eq. 1", "ours")
