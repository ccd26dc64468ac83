"""The judges by the names that suites give them; what one needs is loaded when it is asked."""

from collections.abc import Mapping

from benchmarks.harness.judge import Judge

from . import bundled, clip, imagenet, nudenet

JUDGES: Mapping[str, Judge] = {
    **bundled.JUDGES,
    **clip.JUDGES,
    **imagenet.JUDGES,
    **nudenet.JUDGES,
}
