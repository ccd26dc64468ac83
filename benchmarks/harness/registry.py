"""Methods and judges by the name of their file."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.environment import ROOT

from .judge import Judge
from .method import Method
from .suite import Entry, Suite, SuiteError

BENCHMARKS = ROOT / "benchmarks"


def method(name: str) -> Method:
    """``METHOD`` of ``benchmarks/methods/<name>.py``.

    Raises:
        SuiteError: there is no such file.
    """
    return _module("methods", name).METHOD


def methods() -> list[str]:
    """Names of all methods."""
    return _names("methods")


def judge(name: str) -> Judge:
    """``JUDGE`` of ``benchmarks/judges/<name>.py``.

    Raises:
        SuiteError: there is no such file.
    """
    return _module("judges", name).JUDGE


def judge_of_concepts(suite: Suite) -> str:
    """The first of the suite's judges that looks for what it forgets.

    Raises:
        SuiteError: there is none.
    """
    for name in suite.judges:
        if judge(name).aspect == suite.concept:
            return name
    raise SuiteError(
        f"{suite.name}: judges: none judges a {suite.concept}; add demo_{suite.concept}s"
    )


def judge_of_changes(suite: Suite) -> str | None:
    """The first of the suite's judges that compares pictures with the base model's."""
    return next((name for name in suite.judges if judge(name).compares), None)


def entry_title(entry: Entry) -> str:
    """The method's title, with its value in a sweep; the label where the suite has given one."""
    name, comma, rest = entry.label.partition(", ")
    name = method(entry.use).title if name == entry.use else name
    return f"{name}{comma}{rest}".replace("_", " ")


def uses_cache(entry: Entry) -> bool:
    """Whether its profiles may come from the cache."""
    return "use_cache" in method(entry.use).settings and entry.settings.get("use_cache", True)


def title(suite: Suite, label: str) -> str:
    """The title of a suite's entry, by its label."""
    return entry_title(suite.entry(label))


def check_suite(suite: Suite) -> None:
    """Raise SuiteError unless its methods, their settings and its judges exist."""
    for entry in suite.entries:
        known = method(entry.use).settings
        for key in entry.settings:
            if key not in known:
                raise SuiteError(
                    f"methods: {entry.use!r} has no setting {key!r}; "
                    f"it has {', '.join(sorted(known)) or 'none'}"
                )
    for name in suite.judges:
        names = judge(name).names if judge(name).aspect == suite.concept else ()
        for concept in suite.concepts if names else ():
            if concept not in names:
                known = ", ".join(names)
                raise SuiteError(f"groups: {name} does not know {concept!r}; it knows {known}")


def packs(entries: Iterable[Entry], further: Iterable[str] = ()) -> list[Path]:
    """Folders of the node packs that the methods need, and ``further`` ones."""
    needed = [pack for entry in entries for pack in method(entry.use).packs]
    return [BENCHMARKS / name for name in dict.fromkeys((*needed, *further))]


def _module(folder: str, name: str) -> ModuleType | Any:
    if not (BENCHMARKS / folder / f"{name}.py").exists():
        known = ", ".join(_names(folder))
        raise SuiteError(f"{folder}: there is no {name!r}; there are {known}")
    return import_module(f"benchmarks.{folder}.{name}")


def _names(folder: str) -> list[str]:
    return sorted(path.stem for path in (BENCHMARKS / folder).glob("[a-z]*.py"))
