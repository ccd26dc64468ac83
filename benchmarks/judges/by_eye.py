"""What was named blind: kept with a suite's rows by ``benchmarks/by_eye.py``."""

from benchmarks.harness.judge import Judge, Look


def read_first() -> Look:
    """No network looks here.

    Raises:
        ValueError: always; the message names the command that keeps what was read.
    """
    raise ValueError(
        "judges: by_eye looks at no pictures by itself; take it out, run the suite, "
        "and let benchmarks/by_eye.py keep what was named."
    )


BY_EYE = "by_eye"
JUDGES = {BY_EYE: Judge("read blind", "object", read_first)}
