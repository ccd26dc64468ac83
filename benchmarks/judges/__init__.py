"""The judges by the names that suites give them; what one needs is loaded when it is asked."""

from collections.abc import Mapping

from benchmarks.harness.judge import Judge

from . import bundled, by_eye, clip, imagenet, natural, nudenet

JUDGES: Mapping[str, Judge] = {
    **bundled.JUDGES,
    **by_eye.JUDGES,
    **clip.JUDGES,
    **imagenet.JUDGES,
    **natural.JUDGES,
    **nudenet.JUDGES,
}
