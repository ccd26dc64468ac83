"""Core tests: the method alone, in a process that never imports the host."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where ``fuzzing`` and ``readable`` are

settings.register_profile("core", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("core")
