"""Methods and judges by their names."""

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from benchmarks.judges import JUDGES
from workbench.environment import ROOT

from .judge import Judge
from .suite import Entry, Suite, SuiteError
from .suite_file import read_toml

METHODS = ROOT / "benchmarks" / "methods.toml"


class Method(BaseModel):
    """A way to forget; ``methods.toml`` explains the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    kind: Literal["base", "ours", "peer", "trained peer", "ablation"]
    function: str
    fixed: dict[str, Any] = {}
    cached: bool = False


@cache
def methods() -> dict[str, Method]:
    """All methods, in the order of their file."""
    tables = read_toml(METHODS).items()
    return {name: Method(**{"function": name, **table}) for name, table in tables}


def method(name: str) -> Method:
    """The method of this name.

    Raises:
        SuiteError: there is none.
    """
    if name not in methods():
        raise SuiteError(f"methods: there is no {name!r}; there are {', '.join(methods())}")
    return methods()[name]


def judge(name: str) -> Judge:
    """The judge of this name.

    Raises:
        SuiteError: there is none.
    """
    if name not in JUDGES:
        raise SuiteError(f"judges: there is no {name!r}; there are {', '.join(JUDGES)}")
    return JUDGES[name]


def judges_of_concepts(suite: Suite) -> list[str]:
    """The suite's judges that look for what it forgets, in its order."""
    return [name for name in suite.judges if judge(name).aspect == suite.concept]


def judge_of_concepts(suite: Suite) -> str:
    """The first of them.

    Raises:
        SuiteError: there is none.
    """
    if found := judges_of_concepts(suite):
        return found[0]
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
