"""Methods by their name in ``methods.toml``, judges by the name of their file."""

from functools import cache
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from workbench.environment import ROOT

from .judge import Judge
from .suite import Entry, Suite, SuiteError, read_toml

BENCHMARKS = ROOT / "benchmarks"


class Method(BaseModel):
    """A way to forget; ``methods.toml`` explains the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    kind: Literal["base", "ours", "peer", "trained peer", "ablation"]
    function: str
    fixed: dict[str, Any] = {}
    cached: bool = False

    @property
    def is_peer(self) -> bool:
        """Whether it is others' work."""
        return self.kind.endswith("peer")


@cache
def methods() -> dict[str, Method]:
    """All methods, in the order of their file."""
    tables = read_toml(BENCHMARKS / "methods.toml").items()
    return {name: Method(**{"function": f"{name}.{name}", **table}) for name, table in tables}


def method(name: str) -> Method:
    """The method of this name.

    Raises:
        SuiteError: there is none.
    """
    if name not in methods():
        raise SuiteError(f"methods: there is no {name!r}; there are {', '.join(methods())}")
    return methods()[name]


def judge(name: str) -> Judge:
    """``JUDGE`` of ``benchmarks/judges/<name>.py``.

    Raises:
        SuiteError: there is no such file.
    """
    if not (BENCHMARKS / "judges" / f"{name}.py").exists():
        known = ", ".join(sorted(path.stem for path in (BENCHMARKS / "judges").glob("[a-z]*.py")))
        raise SuiteError(f"judges: there is no {name!r}; there are {known}")
    return import_module(f"benchmarks.judges.{name}").JUDGE


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
    return method(entry.use).cached and entry.settings.get("use_cache", True)


def title(suite: Suite, label: str) -> str:
    """The title of the method with this label."""
    return entry_title(suite.entry(label))


def check_suite(suite: Suite) -> None:
    """Raise SuiteError unless its methods and judges exist; settings are checked in the host."""
    for entry in suite.entries:
        method(entry.use)
    for name in suite.judges:
        names = judge(name).names if judge(name).aspect == suite.concept else ()
        for concept in suite.concepts if names else ():
            if concept not in names:
                known = ", ".join(names)
                raise SuiteError(f"groups: {name} does not know {concept!r}; it knows {known}")
