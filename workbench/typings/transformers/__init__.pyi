"""Every name, of any type: to read all of transformers takes a third of the type checker's time,
and only one test here imports it."""

from typing import Any

def __getattr__(name: str) -> Any: ...
