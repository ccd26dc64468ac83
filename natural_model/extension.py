"""This repository as the host would load it: its modules import each other by relative names."""

import importlib
import importlib.util
import sys
from types import ModuleType

from paths import REPOSITORY

PACKAGE = "forget_it_all"


def extension(module: str) -> ModuleType:
    """A module of the repository, such as ``benchmarks.forget.speed``."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(PACKAGE, REPOSITORY / "__init__.py")
        assert spec is not None and spec.loader is not None
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[PACKAGE])
    return importlib.import_module(f"{PACKAGE}.{module}")
