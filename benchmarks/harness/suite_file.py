"""Read a suite from its TOML file.

| key | what |
| --- | --- |
| title, about | heading of the report, and what a reader should know |
| concept | "object" or "style": what the groups' concepts are |
| scenes | where objects stand |
| objects | suites of styles: what is drawn in them, in place of scenes |
| forgotten_scenes | scenes (objects) a seed for what is forgotten; they go round; default: all |
| kept_scenes | the same for a concept that should stay; 1 by default |
| kept | concepts that should stay, less the group's own; all others of all groups where left out |
| prompts | templates with {object}, {misspelt}, {learned}, {scene}, {style}; with articles |
| plain_prompt | the template for the style "plain" and the object "nothing": none at all |
| seeds | of the noise that the pictures start from |
| judges | files of ``benchmarks/judges`` |
| reference | label of the method that the others are tested against |
| plots | names that ``plots.py`` knows |
| grid | a concept of the first group: ``grid.py`` shows every prompt that asks for it |
| sampling | the sampler's settings where they differ from the demo workflow's |
| [[conditions]] | ``name``, ``start``, what ``Setup.sampled_with`` takes: asks for all pictures |
| [[groups]] | ``name``, ``concepts`` forgotten together, or ``each`` alone; ``kept`` of its own |
| [[methods]] | ``use``, a file of ``benchmarks/methods``; ``label``, ``groups`` to take, settings |
| [[sweeps]] | ``use``, ``setting``, ``values``, ``default``, ``settings``, ``label`` |
| chooses | true: the report names each peer's best setting, for other suites to take |
| [attack] | ``concepts`` that {learned} stands for, and how it is learned: see ``attack.py`` |
| [prompt_file] | ``file``, columns ``prompt`` and ``seed``, what it ``shows``, only the ``first`` |
| checkpoint | a file in the suite's folder ``data``, in place of the demo model |
| [quick] | other values for these keys; of groups, methods and conditions only the names to keep |
| [dry_run] | other values for these keys, with which the demo model stands in for a checkpoint |
"""

import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .attack import parse_attack
from .places import SUITES
from .prompt_file import parse_prompt_file
from .suite import (
    CONCEPT_KINDS,
    Condition,
    Entry,
    Group,
    Suite,
    SuiteError,
    Sweep,
)
from .suite_checks import check
from .toml_values import (
    choice_of,
    number_of,
    numbers_of,
    require_known,
    table_of,
    tables_of,
    text_of,
    texts_of,
    truth_of,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]


def load_suite(path: Path, quick: bool = False, dry_run: bool = False) -> Suite:
    """Read a suite's file.

    Args:
        path: of the file; its stem is the suite's name, with its folder's before it where that is
            not ``suites``.
        quick: with the values of its ``[quick]`` table.
        dry_run: with the values of its ``[dry_run]`` table, and no checkpoint.

    Raises:
        SuiteError: no such file, no TOML, or a value that cannot be run.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(_name(other) for other in path.parent.glob("*.toml")))
        raise SuiteError(f"{path}: there is no such suite. There are: {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{path}: {error}") from None
    try:
        if dry_run:
            content = _dry(content)
        suite = parse_suite(_name(path), content, quick, path.parent)
        return replace(suite, dry_run=dry_run)
    except SuiteError as error:
        raise SuiteError(f"{path.name}: {error}") from None


def parse_suite(
    name: str, content: Mapping[str, Any], quick: bool = False, folder: Path = SUITES
) -> Suite:
    """A suite from its file's content, which lies in ``folder``.

    Raises:
        SuiteError: a key is unknown, missing, of another type, or does not fit another.
    """
    content = dict(content)
    shrunk = table_of(content, "quick")
    if quick:
        content = _shrink(content, shrunk)
    content.pop("quick", None)
    content.pop("dry_run", None)
    require_known(content, _KEYS, "")

    concept = choice_of(content, "concept", CONCEPT_KINDS, default="object")
    contexts = "scenes" if concept == "object" else "objects"
    groups = _groups(content)
    entries = _entries(content)
    prompt_file = parse_prompt_file(content, folder)
    least = 0 if prompt_file else 1
    scenes = texts_of(content, "scenes", least=least if contexts == "scenes" else 0)
    objects = texts_of(content, "objects", least=least if contexts == "objects" else 0)
    checkpoint = text_of(content, "checkpoint", default="")
    suite = Suite(
        name=name,
        title=text_of(content, "title"),
        about=text_of(content, "about", default=""),
        concept=concept,
        scenes=scenes,
        objects=objects,
        forgotten_scenes=number_of(
            content, "forgotten_scenes", default=len(scenes if contexts == "scenes" else objects)
        ),
        kept_scenes=number_of(content, "kept_scenes", default=1),
        prompts=texts_of(content, "prompts", least),
        plain_prompt=text_of(content, "plain_prompt", default=""),
        seeds=numbers_of(content, "seeds"),
        judges=texts_of(content, "judges"),
        reference=text_of(content, "reference", default="fia"),
        plots=texts_of(content, "plots", least=0),
        grid=text_of(content, "grid", default=""),
        sampling=table_of(content, "sampling"),
        conditions=_conditions(content),
        groups=groups,
        entries=entries,
        sweeps=_sweeps(content),
        chooses=truth_of(content, "chooses", default=False),
        attack=parse_attack(content),
        prompt_file=prompt_file,
        checkpoint=folder / DATA / checkpoint if checkpoint else None,
    )
    check(suite)
    return suite


DATA = "data"
"""The folder beside a suite's file for what people bring: checkpoints and prompts."""

_KEYS = frozenset(
    {
        "title",
        "about",
        "concept",
        "scenes",
        "objects",
        "forgotten_scenes",
        "kept_scenes",
        "kept",
        "prompts",
        "plain_prompt",
        "seeds",
        "judges",
        "reference",
        "plots",
        "grid",
        "sampling",
        "conditions",
        "groups",
        "methods",
        "sweeps",
        "chooses",
        "attack",
        "prompt_file",
        "checkpoint",
    }
)
_CHOSEN = {"groups": "name", "conditions": "name", "methods": "label"}
"""Lists of tables of which ``[quick]`` names those to keep, and the key that names them."""


def _name(path: Path) -> str:
    own = path.stem
    return own if path.parent.name == SUITES.name else f"{path.parent.name}/{own}"


def _dry(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a dry run: the demo model, and what it can draw."""
    instead = table_of(content, "dry_run")
    if not instead:
        raise SuiteError("dry_run: is missing; only suites of a checkpoint can be run dry")
    require_known(instead, _KEYS, "dry_run.")
    return {key: value for key, value in content.items() if key != "checkpoint"} | instead


def _shrink(content: dict[str, Any], quick: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a quick form."""
    require_known(quick, _KEYS | {"concepts"}, "quick.")
    shrunk = content | {key: value for key, value in quick.items() if key not in _CHOSEN}
    shrunk.pop("concepts", None)
    for key in _CHOSEN.keys() & quick.keys():
        wanted = texts_of(quick, key, where="quick.")
        tables = {_name_of(table, key): table for table in tables_of(content, key)}
        for name in wanted:
            if name not in tables:
                raise SuiteError(f"quick.{key}: {name!r} is none of {', '.join(tables)}")
        shrunk[key] = [tables[name] for name in wanted]
    if "groups" in quick:
        shrunk["methods"] = [
            _only(table, "groups", quick["groups"]) for table in tables_of(shrunk, "methods")
        ]
    if "concepts" in quick:
        few = set(texts_of(quick, "concepts", where="quick."))
        shrunk["groups"] = [
            _only(_only(table, "concepts", few), "each", few)
            for table in tables_of(shrunk, "groups")
        ]
    return shrunk


def _only(table: dict[str, Any], key: str, names: Collection[str]) -> dict[str, Any]:
    """The table with these of the names that it lists under ``key``, where it does."""
    return table | {key: [name for name in table[key] if name in names]} if key in table else table


def _name_of(table: Mapping[str, Any], key: str) -> str:
    return str(table.get(_CHOSEN[key], table.get("use", "")))


def _groups(content: Mapping[str, Any]) -> tuple[Group, ...]:
    tables = tables_of(content, "groups")
    if not tables:
        raise SuiteError("groups: there are none; name at least one [[groups]] with its concepts")
    named: list[tuple[str, str, tuple[str, ...], Mapping[str, Any]]] = []
    for table in tables:
        require_known(table, {"name", "concepts", "each", "kept"}, "groups: ")
        family = text_of(table, "name", where="groups: ")
        if ("concepts" in table) == ("each" in table):
            raise SuiteError(f"groups: {family!r} needs either concepts or each")
        if "each" in table:
            for concept in texts_of(table, "each", where="groups: "):
                named.append((concept, family, (concept,), table))
        else:
            named.append((family, family, texts_of(table, "concepts", where="groups: "), table))
    names = [name for name, *_ in named]
    for name in names:
        if names.count(name) > 1:
            raise SuiteError(f"groups: {name!r} is there twice; give every group its own name")
    every = tuple(dict.fromkeys(concept for _, _, concepts, _ in named for concept in concepts))
    kept = texts_of(content, "kept", least=0) or every
    groups = []
    for name, family, concepts, table in named:
        own = texts_of(table, "kept", least=0, where="groups: ") or kept
        stay = tuple(concept for concept in own if concept not in concepts)
        if not stay and "prompt_file" not in content:
            raise SuiteError(f"groups: {name!r} keeps nothing; name kept concepts")
        groups.append(Group(name, family, concepts, stay))
    return tuple(groups)


def _entries(content: Mapping[str, Any]) -> tuple[Entry, ...]:
    entries = []
    for table in tables_of(content, "methods"):
        use = text_of(table, "use", where="methods: ")
        own = ("use", "label", "groups")
        settings = {key: value for key, value in table.items() if key not in own}
        families = texts_of(table, "groups", least=0, where="methods: ")
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


_SWEEP_KEYS = {"use", "setting", "values", "default", "settings", "label"}


def _sweeps(content: Mapping[str, Any]) -> tuple[Sweep, ...]:
    sweeps = []
    for table in tables_of(content, "sweeps"):
        require_known(table, _SWEEP_KEYS, "sweeps: ")
        use, setting = (text_of(table, key, where="sweeps: ") for key in ("use", "setting"))
        values = table.get("values")
        if not isinstance(values, list) or not values:
            raise SuiteError(f"sweeps: values of {setting!r} must be a list of at least one")
        default = table.get("default")
        if default in values:
            raise SuiteError(f"sweeps: {setting!r}: the default {default!r} is among the values")
        name = text_of(table, "label", default=use, where="sweeps: ")
        settings = table_of(table, "settings")
        sweeps.append(Sweep(use, setting, tuple(values), default, settings, name))
    return tuple(sweeps)


def _conditions(content: Mapping[str, Any]) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for table in tables_of(content, "conditions"):
        name = text_of(table, "name", where="conditions: ")
        start = text_of(table, "start", default="", where="conditions: ")
        earlier = [condition.name for condition in conditions]
        if name in earlier:
            raise SuiteError(f"conditions: {name!r} is there twice; give every one its own name")
        if start and start not in earlier:
            raise SuiteError(f"conditions: {name!r} starts from {start!r}; put that before it")
        sampling = {key: value for key, value in table.items() if key not in ("name", "start")}
        conditions.append(Condition(name, sampling, start))
    return tuple(conditions) or (Condition("", {}),)
