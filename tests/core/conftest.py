"""Core tests: the method alone, in a process that never imports the host."""

from hypothesis import settings

settings.register_profile("core", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("core")
