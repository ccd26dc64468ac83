"""A suite: what is forgotten, asked, compared and judged, as a TOML file says it.

| key | what |
| --- | --- |
| title, about | heading of the report, and what a reader should know |
| concept | "object" or "style": what the groups' concepts are |
| scenes | where objects stand; an object that is forgotten is asked for in all of them |
| objects | suites of styles: what is drawn in them, in place of scenes |
| kept_scenes | scenes (objects) a seed for a concept that should stay; they go round |
| kept | concepts that should stay, less the group's own; all others of all groups where left out |
| prompts | templates with {object}, {misspelt}, {scene}, {style}; with their articles |
| plain_prompt | the template for the style "plain" and the object "nothing": none at all |
| seeds | of the noise that the pictures start from |
| judges | files of ``benchmarks/judges`` |
| reference | label of the method that the others are tested against |
| plots | names that ``plots.py`` knows |
| sampling | the sampler's settings where they differ from the demo workflow's |
| [[conditions]] | ``name`` and sampling settings: every picture is asked for under each |
| [[groups]] | ``name``, ``concepts`` forgotten together, or ``each`` alone; ``kept`` of its own |
| [[methods]] | ``use``, a file of ``benchmarks/methods``; ``label``, ``groups`` to take, settings |
| [[sweeps]] | ``use``, ``setting``, ``values``, ``default``, ``settings``: see ``Sweep`` |
| [quick] | other values for these keys; of groups, methods and conditions only the names to keep |
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

CONCEPT_KINDS = ("object", "style")
PLAIN = "plain"
"""The style that is none."""

NOTHING = "nothing"
"""The object that is none."""

BASE = "base"
"""Label of the method that changes nothing; every other is compared with it."""

Settings = Mapping[str, Any]


class SuiteError(ValueError):
    """A suite's file says something that cannot be run; the message names file, key and mend."""


@dataclass(frozen=True)
class Group:
    """Concepts that are forgotten together.

    Attributes:
        name: of the group; its only concept's where ``each`` made it.
        family: groups of one family are reported together.
        concepts: what is forgotten.
        kept: what should stay.
    """

    name: str
    family: str
    concepts: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A method with its settings, under a label that is unique in the suite.

    Attributes:
        label: of the rows.
        use: a file of ``benchmarks/methods``.
        settings: those of the method that are not as by default.
        families: of the groups that it is measured on; all where empty.
    """

    label: str
    use: str
    settings: Settings = field(default_factory=dict)
    families: tuple[str, ...] = ()

    @property
    def settings_hash(self) -> str:
        """Eight digits that change with the method or any of its settings."""
        text = json.dumps([self.use, dict(self.settings)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Sweep:
    """A setting of a method and the values that it is tried with.

    Attributes:
        use: a file of ``benchmarks/methods``.
        setting, values: one of its settings, and values.
        default: the value of the method that is labelled ``use``; None where it is not to be shown.
        settings: further settings that all have.
    """

    use: str
    setting: str
    values: tuple[Any, ...]
    default: Any
    settings: Settings

    def label(self, value: Any) -> str:
        """Of the method with this value."""
        return f"{self.use}, {self.setting} {value}"

    @property
    def points(self) -> list[tuple[Any, str]]:
        """Values and labels of the methods with them, the default in its place among numbers."""
        points = [(value, self.label(value)) for value in self.values]
        if self.default is not None:
            points.append((self.default, self.use))
        numbers = all(isinstance(value, int | float) for value, _ in points)
        return sorted(points) if numbers else points


@dataclass(frozen=True)
class Condition:
    """Sampling settings under which every picture is asked for."""

    name: str
    sampling: Settings


@dataclass(frozen=True)
class Suite:
    """Everything that a run and a report need to know."""

    name: str
    title: str
    about: str
    concept: str
    scenes: tuple[str, ...]
    objects: tuple[str, ...]
    kept_scenes: int
    prompts: tuple[str, ...]
    plain_prompt: str
    seeds: tuple[int, ...]
    judges: tuple[str, ...]
    reference: str
    plots: tuple[str, ...]
    sampling: Settings
    conditions: tuple[Condition, ...]
    groups: tuple[Group, ...]
    entries: tuple[Entry, ...]
    sweeps: tuple[Sweep, ...]

    @property
    def concepts(self) -> tuple[str, ...]:
        """Every concept that is asked for, in the order of the file."""
        names = [name for group in self.groups for name in (*group.concepts, *group.kept)]
        return tuple(dict.fromkeys(names))

    @property
    def contexts(self) -> tuple[str, ...]:
        """What a concept is asked for together with."""
        return self.scenes if self.concept == "object" else self.objects


def load_suite(path: Path, quick: bool = False) -> Suite:
    """Read a suite's file.

    Args:
        path: of the file; its stem is the suite's name.
        quick: with the values of its ``[quick]`` table.

    Raises:
        SuiteError: no such file, no TOML, or a value that cannot be run.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.toml")))
        raise SuiteError(f"{path}: there is no such suite. There are: {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{path}: {error}") from None
    try:
        return parse_suite(path.stem, content, quick)
    except SuiteError as error:
        raise SuiteError(f"{path.name}: {error}") from None


def parse_suite(name: str, content: Mapping[str, Any], quick: bool = False) -> Suite:
    """A suite from its file's content.

    Raises:
        SuiteError: a key is unknown, missing, of another type, or does not fit another.
    """
    content = dict(content)
    shrunk = _table(content, "quick")
    if quick:
        content = _shrink(content, shrunk)
    content.pop("quick", None)
    _require_known(content, _KEYS, "")

    concept = _choice(content, "concept", CONCEPT_KINDS, default="object")
    contexts = "scenes" if concept == "object" else "objects"
    groups = _groups(content)
    entries = _entries(content)
    suite = Suite(
        name=name,
        title=_text(content, "title"),
        about=_text(content, "about", default=""),
        concept=concept,
        scenes=_texts(content, "scenes", least=contexts == "scenes"),
        objects=_texts(content, "objects", least=contexts == "objects"),
        kept_scenes=_number(content, "kept_scenes", default=1),
        prompts=_texts(content, "prompts"),
        plain_prompt=_text(content, "plain_prompt", default=""),
        seeds=_numbers(content, "seeds"),
        judges=_texts(content, "judges"),
        reference=_text(content, "reference", default="fia"),
        plots=_texts(content, "plots", least=0),
        sampling=_table(content, "sampling"),
        conditions=_conditions(content),
        groups=groups,
        entries=entries,
        sweeps=_sweeps(content),
    )
    _check(suite)
    return suite


_KEYS = frozenset(
    {
        "title",
        "about",
        "concept",
        "scenes",
        "objects",
        "kept_scenes",
        "kept",
        "prompts",
        "plain_prompt",
        "seeds",
        "judges",
        "reference",
        "plots",
        "sampling",
        "conditions",
        "groups",
        "methods",
        "sweeps",
    }
)
_CHOSEN = {"groups": "name", "conditions": "name", "methods": "label"}
"""Lists of tables of which ``[quick]`` names those to keep, and the key that names them."""


def _shrink(content: dict[str, Any], quick: Mapping[str, Any]) -> dict[str, Any]:
    _require_known(quick, _KEYS | {"concepts"}, "quick.")
    shrunk = content | {key: value for key, value in quick.items() if key not in _CHOSEN}
    shrunk.pop("concepts", None)
    for key in _CHOSEN.keys() & quick.keys():
        wanted = _texts(quick, key, where="quick.")
        tables = {_name_of(table, key): table for table in _tables(content, key)}
        for name in wanted:
            if name not in tables:
                raise SuiteError(f"quick.{key}: {name!r} is none of {', '.join(tables)}")
        shrunk[key] = [tables[name] for name in wanted]
    if "concepts" in quick:
        few = set(_texts(quick, "concepts", where="quick."))
        shrunk["groups"] = [
            table
            | {
                key: [c for c in table[key] if c in few]
                for key in ("concepts", "each") & table.keys()
            }
            for table in _tables(shrunk, "groups")
        ]
    return shrunk


def _name_of(table: Mapping[str, Any], key: str) -> str:
    return str(table.get(_CHOSEN[key], table.get("use", "")))


def _groups(content: Mapping[str, Any]) -> tuple[Group, ...]:
    tables = _tables(content, "groups")
    if not tables:
        raise SuiteError("groups: there are none; name at least one [[groups]] with its concepts")
    named: list[tuple[str, str, tuple[str, ...], Mapping[str, Any]]] = []
    for table in tables:
        _require_known(table, {"name", "concepts", "each", "kept"}, "groups: ")
        family = _text(table, "name", where="groups: ")
        if ("concepts" in table) == ("each" in table):
            raise SuiteError(f"groups: {family!r} needs either concepts or each")
        if "each" in table:
            for concept in _texts(table, "each", where="groups: "):
                named.append((concept, family, (concept,), table))
        else:
            named.append((family, family, _texts(table, "concepts", where="groups: "), table))
    names = [name for name, *_ in named]
    for name in names:
        if names.count(name) > 1:
            raise SuiteError(f"groups: {name!r} is there twice; give every group its own name")
    every = tuple(dict.fromkeys(concept for _, _, concepts, _ in named for concept in concepts))
    kept = _texts(content, "kept", least=0) or every
    groups = []
    for name, family, concepts, table in named:
        own = _texts(table, "kept", least=0, where="groups: ") or kept
        stay = tuple(concept for concept in own if concept not in concepts)
        if not stay:
            raise SuiteError(f"groups: {name!r} keeps nothing; name kept concepts")
        groups.append(Group(name, family, concepts, stay))
    return tuple(groups)


def _entries(content: Mapping[str, Any]) -> tuple[Entry, ...]:
    entries = []
    for table in _tables(content, "methods"):
        use = _text(table, "use", where="methods: ")
        own = ("use", "label", "groups")
        settings = {key: value for key, value in table.items() if key not in own}
        families = _texts(table, "groups", least=0, where="methods: ")
        entries.append(Entry(str(table.get("label", use)), use, settings, families=families))
    for sweep in _sweeps(content):
        entries += [
            Entry(sweep.label(value), sweep.use, {**sweep.settings, sweep.setting: value})
            for value in sweep.values
        ]
    labels = [entry.label for entry in entries]
    for label in labels:
        if labels.count(label) > 1:
            raise SuiteError(f"methods: {label!r} is there twice; give one of them a label")
    return tuple(entries)


def _sweeps(content: Mapping[str, Any]) -> tuple[Sweep, ...]:
    sweeps = []
    for table in _tables(content, "sweeps"):
        _require_known(table, {"use", "setting", "values", "default", "settings"}, "sweeps: ")
        use, setting = (_text(table, key, where="sweeps: ") for key in ("use", "setting"))
        values = table.get("values")
        if not isinstance(values, list) or not values:
            raise SuiteError(f"sweeps: values of {setting!r} must be a list of at least one")
        default = table.get("default")
        if default in values:
            raise SuiteError(f"sweeps: {setting!r}: the default {default!r} is among the values")
        sweeps.append(Sweep(use, setting, tuple(values), default, _table(table, "settings")))
    return tuple(sweeps)


def _conditions(content: Mapping[str, Any]) -> tuple[Condition, ...]:
    tables = _tables(content, "conditions")
    if not tables:
        return (Condition("", {}),)
    return tuple(
        Condition(
            _text(table, "name", where="conditions: "),
            {key: value for key, value in table.items() if key != "name"},
        )
        for table in tables
    )


def _check(suite: Suite) -> None:
    labels = [entry.label for entry in suite.entries]
    for key, label in (("methods", BASE), ("reference", suite.reference)):
        if label not in labels:
            raise SuiteError(
                f"{key}: no method has the label {label!r}; there are {', '.join(labels)}"
            )
    families = {group.family for group in suite.groups}
    for entry in suite.entries:
        for family in entry.families:
            if family not in families:
                known = ", ".join(sorted(families))
                raise SuiteError(
                    f"methods: {entry.label!r}: no groups {family!r}; there are {known}"
                )
    for sweep in suite.sweeps:
        if sweep.default is not None and sweep.use not in labels:
            raise SuiteError(f"sweeps: the default needs a method with the label {sweep.use!r}")
    if not 1 <= suite.kept_scenes <= len(suite.contexts):
        raise SuiteError(
            f"kept_scenes: {suite.kept_scenes} is not between 1 and {len(suite.contexts)}"
        )
    fields = {"object": "", "misspelt": "", "scene": "", "style": ""}
    for none in (PLAIN, NOTHING):
        if none in suite.concepts and not suite.plain_prompt:
            raise SuiteError(f"plain_prompt: is missing, and {none!r} is asked for; give one")
    for prompt in (*suite.prompts, suite.plain_prompt):
        try:
            prompt.format(**fields)
        except (KeyError, IndexError, ValueError):
            raise SuiteError(
                f"prompts: {prompt!r} has a field other than {{object}}, {{misspelt}}, {{scene}}, "
                "{style}"
            ) from None


def _require_known(
    table: Mapping[str, Any], known: Sequence[str] | frozenset[str] | set[str], where: str
) -> None:
    for key in table:
        if key not in known:
            raise SuiteError(f"{where}{key}: unknown; known are {', '.join(sorted(known))}")


def _table(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key, {})
    if not isinstance(value, dict):
        raise SuiteError(f"{key}: is {value!r}; write it as a table [{key}]")
    return dict(value)


def _tables(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise SuiteError(f"{key}: is {value!r}; write each as a table [[{key}]]")
    return value


_MISSING: Any = object()


def _text(content: Mapping[str, Any], key: str, default: Any = _MISSING, where: str = "") -> str:
    value = content.get(key, default)
    if value is _MISSING:
        raise SuiteError(f"{where}{key}: is missing; give a text")
    if not isinstance(value, str) or (not value.strip() and value is not default):
        raise SuiteError(f"{where}{key}: is {value!r}; give a text")
    return value.strip()


def _texts(
    content: Mapping[str, Any], key: str, least: int = 1, where: str = ""
) -> tuple[str, ...]:
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise SuiteError(f"{where}{key}: is {value!r}; give a list of texts")
    if len(value) < least:
        raise SuiteError(f"{where}{key}: is empty; give at least {int(least)}")
    if len(set(value)) < len(value):
        raise SuiteError(f"{where}{key}: has a text twice: {', '.join(value)}")
    return tuple(value)


def _numbers(content: Mapping[str, Any], key: str) -> tuple[int, ...]:
    value = content.get(key)
    if not isinstance(value, list) or not value or not all(type(item) is int for item in value):
        raise SuiteError(f"{key}: is {value!r}; give a list of whole numbers, at least one")
    if len(set(value)) < len(value):
        raise SuiteError(f"{key}: has a number twice: {value}")
    return tuple(value)


def _number(content: Mapping[str, Any], key: str, default: int) -> int:
    value = content.get(key, default)
    if type(value) is not int:
        raise SuiteError(f"{key}: is {value!r}; give a whole number")
    return value


def _choice(content: Mapping[str, Any], key: str, known: Sequence[str], default: str) -> str:
    value = content.get(key, default)
    if value not in known:
        raise SuiteError(f"{key}: is {value!r}; choose one of {', '.join(known)}")
    return value
