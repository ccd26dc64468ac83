"""Forget-It-All with the form of Eq. 1 that the authors' published code computes."""

from benchmarks.harness.fia_graph import fixed

METHOD = fixed("FIA, released form", "ours", saliency_form="released")
