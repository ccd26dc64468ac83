"""Suites from their TOML files.

A list may be named in place of its values, whole or in part: ``"@objects"``, ``"@objects[:15]"``
(``lists.toml``), or among them. ``extends`` names another suite of the folder, whose keys count
where a file has none of its own.

A quick form shows that everything runs: the first group at the first seed, the first and the last
of every other list, and of methods the base model, the reference and those that ``quick`` names. A
dry run is one with the demo model in place of a checkpoint, and with the values of ``[dry_run]``.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from .suite import BASE, SUITES, Group, PromptFile, Suite, SuiteError, Sweep

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

LISTS = SUITES.parent / "lists.toml"
LIST = re.compile(r"@([\w ]+)(?:\[(\d*):(\d*)\])?")

DATA = "data"
"""The folder beside a suite's file for what people bring: checkpoints and prompts."""

TABLES: Mapping[str, type[BaseModel]] = {
    "groups": Group,
    "prompt_file": PromptFile,
    "sweeps": Sweep,
}

QUICK_STEPS = 6
"""The sampler's steps with the demo model."""

QUICK_PROMPTS = 8
"""Prompts that are taken from a file."""

QUICK_SWEEPS = 2
"""Sweeps, the first, where the report follows them."""

Content = dict[str, Any]


def load_suite(path: Path, quick: bool = False, dry_run: bool = False) -> Suite:
    """Read a suite's file.

    Args:
        path: of the file; its stem is the suite's name, with its folder's before it where that is
            not ``suites``.
        quick, dry_run: see the module.

    Raises:
        SuiteError: no such file, no TOML, or a value that cannot be run.
    """
    try:
        content = read_toml(path)
    except FileNotFoundError:
        known = ", ".join(sorted(_name(other) for other in path.parent.glob("*.toml")))
        raise SuiteError(f"{path}: there is no such suite. There are: {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{path}: {error}") from None
    try:
        return parse_suite(_name(path), content, quick, path.parent, dry_run)
    except SuiteError as error:
        raise SuiteError(f"{path.name}: {error}") from None


def parse_suite(
    name: str,
    content: Content,
    quick: bool = False,
    folder: Path = SUITES,
    dry_run: bool = False,
) -> Suite:
    """A suite from its file's content, which lies in ``folder``.

    Raises:
        SuiteError: a key is unknown, missing, of another type, or does not fit another.
    """
    try:
        content = {"name": name, **_whole(content, folder)}
        instead = content.pop("dry_run", None)
        if dry_run:
            if instead is None:
                raise SuiteError("dry_run: is missing; only suites of a checkpoint have one")
            content |= {**instead, "dry_run": True, "checkpoint": ""}
        content = _with_lists(content, read_toml(LISTS))
        content["groups"] = _groups(content)
        if "prompt_file" in content:
            content["prompt_file"] = {**content["prompt_file"], "folder": folder}
        checkpoint = content.pop("checkpoint", "")
        content["checkpoint"] = folder / DATA / checkpoint if checkpoint else None
        suite = Suite(**content)
        return Suite(**_quick(content, suite)) if quick or dry_run else suite
    except ValidationError as error:
        raise SuiteError(_sentence(error)) from None


def read_toml(path: Path) -> Content:
    """A file's content."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _whole(content: Content, folder: Path) -> Content:
    """The content with the keys of the suite that it extends."""
    if "extends" not in content:
        return content
    own = {key: value for key, value in content.items() if key != "extends"}
    extended = folder / f"{content['extends']}.toml"
    if not extended.exists():
        raise SuiteError(f"extends: there is no {extended.name} beside the suite; name one")
    try:
        return {**_whole(read_toml(extended), folder), **own}
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"extends: {extended.name}: {error}") from None


def _with_lists(value: Any, lists: Mapping[str, list[str]]) -> Any:
    """The value with lists in place of their names."""
    if isinstance(value, dict):
        return {key: _with_lists(one, lists) for key, one in value.items()}
    if isinstance(value, list):
        found = [(one, _with_lists(one, lists)) for one in value]
        parts = [it if isinstance(one, str) and isinstance(it, list) else [it] for one, it in found]
        return [one for part in parts for one in part]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    if not (named := LIST.fullmatch(value)):
        raise SuiteError(f'{value!r}: write "@name" or "@name[:5]"; the lists are in {LISTS.name}')
    name, *ends = named.groups()
    if name not in lists:
        raise SuiteError(f"{value!r}: {LISTS.name} has no such list")
    return lists[name][slice(*(int(end) if end else None for end in ends))]


def _groups(content: Content) -> list[Content]:
    """Groups as they are forgotten: ``each`` makes one of every concept."""
    groups: list[Content] = []
    for table in content.get("groups", []):
        family = table.get("name", "")
        if ("concepts" in table) == ("each" in table):
            raise SuiteError(f"groups: {family!r} needs either concepts or each")
        rest = {"family": family} | {key: value for key, value in table.items() if key != "each"}
        if "each" in table:
            groups += [{**rest, "name": name, "concepts": [name]} for name in table["each"]]
        else:
            groups.append(rest)
    every = dict.fromkeys(concept for group in groups for concept in group["concepts"])
    kept = content.get("kept") or list(every)
    for group in groups:
        stay = group.get("kept") or kept
        group["kept"] = [concept for concept in stay if concept not in group["concepts"]]
    return groups


def _quick(content: Content, suite: Suite) -> Content:
    """The content of a suite's quick form."""
    left_out = ("forgotten_scenes", "kept_scenes", "sweeps")
    few = {key: value for key, value in content.items() if key not in left_out}
    for key in ("scenes", "objects", "prompts", "conditions"):
        few |= {key: _ends(few[key])} if key in few else {}
    few["seeds"] = few["seeds"][:1]
    few["groups"] = [
        {
            **group,
            "concepts": _ends(group["concepts"]),
            "kept": (kept := _ends(group["kept"])),
            **{
                key: [name for name in group.get(key, []) if name in kept]
                for key in ("neighbours", "told")
            },
        }
        for group in few["groups"][:1]
    ]
    wanted = (BASE, suite.reference, *suite.quick)
    few["methods"] = [
        table
        for table, entry in zip(few["methods"], suite.methods, strict=True)
        if entry.label in wanted
    ]
    if suite.curves:
        few["sweeps"] = content.get("sweeps", [])[:QUICK_SWEEPS]
    if suite.checkpoint is None:
        few["sampling"] = {**suite.sampling, "steps": QUICK_STEPS}
    if suite.prompt_file:
        few["prompt_file"] = {**few["prompt_file"], "first": QUICK_PROMPTS}
    return few


def _ends(values: list[Any]) -> list[Any]:
    """The first and the last."""
    return values if len(values) < 2 else [values[0], values[-1]]


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong: where, what, and what was written there."""
    wrong = error.errors()[0]
    path = [part for part in wrong["loc"] if isinstance(part, str)]
    where, kind = ".".join(path), wrong["type"]
    message = wrong["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}: {message}" if where else message
    if kind == "extra_forbidden":
        table = TABLES[path[0]] if len(path) > 1 else Suite
        return f"{where}: unknown; known are {', '.join(sorted(table.model_fields))}"
    if kind == "missing":
        return f"{where}: is missing; give one"
    if kind in ("too_short", "string_too_short"):
        return f"{where}: is empty; give at least {wrong.get('ctx', {}).get('min_length', 1)}"
    return f"{where}: {message}; it is {wrong['input']!r}"


def _name(path: Path) -> str:
    own = path.stem
    return own if path.parent.name == SUITES.name else f"{path.parent.name}/{own}"
