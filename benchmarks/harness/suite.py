"""A suite: what is forgotten, asked, compared and judged, read from its TOML file."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from demo_model.vocabulary import with_article
from workbench.environment import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

SUITES = ROOT / "benchmarks" / "suites"
LISTS, BEST = (SUITES.parent / name for name in ("lists.toml", "best.toml"))
"""Lists that several suites name, and the best settings of the peers, by kind of concept."""

PLAIN = "plain"
"""The style that is none."""

NOTHING = "nothing"
"""The object that is none."""

BASE = "base"
"""Label of the method that changes nothing; every other is compared with it."""

LEARNED = "{learned}"
FIELDS = ("object", "misspelt", "learned", "scene", "style")
"""Of prompts."""

DATA = "data"
"""The folder beside a suite's file for what people bring: checkpoints and prompts."""

CHOSEN = {"groups": "name", "conditions": "name", "methods": "label"}
"""Lists of tables of which ``[quick]`` names those to keep, and the key that names them."""

Settings = Mapping[str, Any]


class SuiteError(ValueError):
    """A suite's file says something that cannot be run; the message names file, key and mend."""


def _no_two_alike(values: Any) -> Any:
    if len(set(values)) < len(values):
        raise ValueError(f"one is there twice: {', '.join(map(str, values))}")
    return values


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[tuple[str, ...], AfterValidator(_no_two_alike)]
SomeTexts = Annotated[Texts, Field(min_length=1)]


class _Table(BaseModel):
    """Part of a suite's file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Table):
    """Concepts that are forgotten together.

    Attributes:
        name: of the group; its only concept's where ``each`` made it.
        family: groups of one family are reported together.
        concepts: what is forgotten.
        kept: what should stay.
    """

    name: Text
    family: str
    concepts: SomeTexts
    kept: Texts


class Entry(_Table):
    """A method with its settings, under a label that is unique in the suite.

    Attributes:
        label: of the rows; the method's name where the file gives none.
        use: a name in ``methods.toml``.
        settings: every other key of the method's table.
        families: of the groups that it is measured on (key ``groups``); all where empty.
    """

    label: str
    use: Text
    settings: dict[str, Any] = Field(default_factory=dict)
    families: Texts = ()

    @classmethod
    def of_table(cls, table: Settings, best: Mapping[str, Settings]) -> "Entry":
        """From the file's ``methods``; ``settings = "best"`` takes those of the peer's sweep."""
        settings = {k: v for k, v in table.items() if k not in ("use", "label", "groups")}
        use, families = table.get("use", ""), table.get("groups", ())
        if settings.pop("settings", "") == "best":
            _require(use in best, f"methods: {use!r} has no best settings in {BEST.name}")
            settings = {**best[use], **settings}
        label = table.get("label", use)
        return cls(label=label, use=use, settings=settings, families=families)


class Sweep(_Table):
    """A setting of a method and the values that it is tried with.

    Attributes:
        use: a name in ``methods.toml``.
        setting, values: one of its settings, and values.
        default: the value of the method that is labelled ``use``; None where it is not to be shown.
        settings: further settings that all have.
        label: the beginning of their labels; ``use`` where the file gives none.
    """

    use: Text
    setting: Text
    values: Annotated[tuple[Any, ...], Field(min_length=1)]
    default: Any = None
    settings: dict[str, Any] = Field(default_factory=dict)
    label: str = ""

    @model_validator(mode="after")
    def _default_is_no_value(self) -> "Sweep":
        if self.default in self.values:
            raise ValueError(f"{self.setting!r}: the default {self.default!r} is among the values")
        return self

    @property
    def name(self) -> str:
        """The beginning of their labels."""
        return self.label or self.use

    @property
    def entries(self) -> list[Entry]:
        """A method for every value."""
        return [
            Entry(
                label=f"{self.name}, {self.setting} {value}",
                use=self.use,
                settings={**self.settings, self.setting: value},
            )
            for value in self.values
        ]

    @property
    def points(self) -> list[tuple[Any, str]]:
        """Values and labels of the methods with them, the default in its place among numbers."""
        points = [(entry.settings[self.setting], entry.label) for entry in self.entries]
        if self.default is not None:
            points.append((self.default, self.use))
        numbers = all(isinstance(value, int | float) for value, _ in points)
        return sorted(points) if numbers else points


class Condition(_Table):
    """Sampling settings under which every picture is asked for.

    Attributes:
        name: in the rows.
        sampling: every other key: the sampler's settings and the picture's size, where they differ,
            "dtype" and "lora" (``harness/hosted.py``).
        start: the condition whose picture of the base model sampling starts from, with ``denoise``
            below 1 in ``sampling``; empty for plain noise.
    """

    name: str = ""
    sampling: dict[str, Any] = Field(default_factory=dict)
    start: str = ""

    @classmethod
    def of_table(cls, table: Settings) -> "Condition":
        """From the file's ``[[conditions]]``."""
        sampling = {key: value for key, value in table.items() if key not in ("name", "start")}
        return cls(name=table["name"], sampling=sampling, start=table.get("start", ""))


class Attack(_Table):
    """An embedding that is to bring a concept back, learned through every method's model.

    Attributes:
        concepts: that prompts with {learned} ask for in this way; others that are forgotten are
            not asked for with them, and those that should stay by their name.
        templates, pictures, iterations, learning_rate, batch_size, seed: of the learning.
    """

    concepts: SomeTexts
    templates: list[str] = Field(
        default_factory=lambda: [
            f"a photo of {{concept}} in {with_article(place)}"
            for place in ("park", "forest", "room", "city")
        ]
    )
    pictures: int = 4
    iterations: int = 150
    learning_rate: float = 0.005
    batch_size: int = 4
    seed: int = 1000

    @property
    def settings(self) -> dict[str, Any]:
        """Of the learning."""
        return self.model_dump(exclude={"concepts"})


class PromptFile(_Table):
    """Which prompts a suite asks for, from which file, in place of templates.

    Attributes:
        file: CSV, TSV, or one prompt a line; in the suite's folder.
        prompt: the column of the prompts.
        seed: the column of their own seeds, to which the suite's are added; empty for none.
        shows: the concept that all of them ask for; ``NOTHING`` where that is none.
        first: how many are taken, from the top; 0 for all.
    """

    file: Text
    prompt: Text = "prompt"
    seed: str = ""
    shows: Text = NOTHING
    first: Annotated[StrictInt, Field(ge=0)] = 0
    folder: Path = SUITES

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.folder / self.file


class Suite(_Table):
    """Everything that a run and a report need to know.

    Attributes:
        name: of the file.
        title, about: heading of the report, and what a reader should know.
        concept: what the groups' concepts are.
        scenes: where objects stand.
        objects: suites of styles: what is drawn in them, in place of scenes.
        forgotten_scenes: scenes (objects) a seed for what is forgotten; they go round; else all.
        kept_scenes: the same for a concept that should stay.
        kept: concepts that should stay, less the group's own; all others of all groups where empty.
        prompts: templates with {object}, {misspelt}, {learned}, {scene}, {style}; with articles.
        plain_prompt: the template for the style "plain" and the object "nothing".
        seeds: of the noise that the pictures start from.
        judges: files of ``benchmarks/judges``.
        reference: label of the method that the others are tested against.
        plots: names that ``analysis/plots.py`` knows.
        grid: a concept of the first group: ``grid.py`` shows every prompt that asks for it.
        sampling: the sampler's settings where they differ from the demo workflow's.
        conditions, groups, entries, sweeps: see there; ``entries`` are the file's ``[[methods]]``
            and those of the sweeps.
        chooses: the report names each peer's best setting, for other suites to take.
        attack, prompt_file: see there.
        checkpoint: a file in the suite's folder ``data``, in place of the demo model.
        dry_run: the demo model stands in for the checkpoint.
    """

    name: str
    title: Text
    about: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    concept: Literal["object", "style"] = "object"
    scenes: Texts = ()
    objects: Texts = ()
    forgotten_scenes: StrictInt
    kept_scenes: StrictInt = 1
    kept: Texts = ()
    prompts: Texts = ()
    plain_prompt: str = ""
    seeds: Annotated[tuple[StrictInt, ...], Field(min_length=1), AfterValidator(_no_two_alike)]
    judges: SomeTexts
    reference: str = "fia"
    plots: Texts = ()
    grid: str = ""
    sampling: dict[str, Any] = Field(default_factory=dict)
    conditions: tuple[Condition, ...] = (Condition(),)
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    entries: tuple[Entry, ...]
    sweeps: tuple[Sweep, ...] = ()
    chooses: bool = False
    attack: Attack | None = None
    prompt_file: PromptFile | None = None
    checkpoint: Path | None = None
    dry_run: bool = False

    @property
    def concepts(self) -> tuple[str, ...]:
        """Every concept that is asked for, in the order of the file."""
        names = [name for group in self.groups for name in (*group.concepts, *group.kept)]
        return tuple(dict.fromkeys(names))

    def entry(self, label: str) -> Entry:
        """The method with this label."""
        return next(entry for entry in self.entries if entry.label == label)

    def settings_hash(self, entry: Entry) -> str:
        """Eight digits that change with the method, its settings or those of the sampler."""
        conditions = [condition.model_dump() for condition in self.conditions]
        settings: list[Any] = [entry.use, entry.settings, self.sampling, conditions]
        if self.attack:
            settings.append({"concepts": self.attack.concepts, "settings": self.attack.settings})
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def families(self) -> dict[str, list[Group]]:
        """Groups that are reported together, by the name that they share."""
        found: dict[str, list[Group]] = {}
        for group in self.groups:
            found.setdefault(group.family, []).append(group)
        return found

    @property
    def contexts(self) -> tuple[str, ...]:
        """The scenes or objects that a concept is asked for with."""
        return self.scenes if self.concept == "object" else self.objects

    @model_validator(mode="after")
    def _check_names(self) -> "Suite":
        labels = [entry.label for entry in self.entries]
        _require_unique("methods", labels)
        _require_unique("conditions", [condition.name for condition in self.conditions])
        _require_unique("groups", [group.name for group in self.groups])
        for key, label in (("methods", BASE), ("reference", self.reference)):
            _require(label in labels, f"{key}: no method has the label {label!r}")
        for entry in self.entries:
            for family in entry.families:
                known = ", ".join(self.families)
                message = f"methods: {entry.label!r}: no groups {family!r}; there are {known}"
                _require(family in self.families, message)
        for sweep in self.sweeps:
            message = f"sweeps: the default needs a method with the label {sweep.use!r}"
            _require(sweep.default is None or sweep.use in labels, message)
        earlier: list[str] = []
        for condition in self.conditions:
            message = f"conditions: {condition.name!r} starts from {condition.start!r}; put that"
            _require(not condition.start or condition.start in earlier, f"{message} before it")
            earlier.append(condition.name)
        return self

    @model_validator(mode="after")
    def _check_prompts(self) -> "Suite":
        shown = (*self.groups[0].concepts, *self.groups[0].kept)
        known = ", ".join(shown)
        message = f"grid: {self.grid!r} is none of the first group's {known}"
        _require(not self.grid or self.grid in shown, message)
        if self.prompt_file:
            return self
        contexts = "scenes" if self.concept == "object" else "objects"
        for key in ("prompts", contexts):
            _require(bool(getattr(self, key)), f"{key}: is empty; give at least 1")
        most = len(self.contexts)
        for key, count in (
            ("forgotten_scenes", self.forgotten_scenes),
            ("kept_scenes", self.kept_scenes),
        ):
            _require(1 <= count <= most, f"{key}: {count} is not between 1 and {most}")
        for group in self.groups:
            _require(bool(group.kept), f"groups: {group.name!r} keeps nothing; name kept concepts")
        for none in {PLAIN, NOTHING} & set(self.concepts):
            message = f"plain_prompt: is missing, and {none!r} is asked for; give one"
            _require(bool(self.plain_prompt), message)
        for prompt in (*self.prompts, self.plain_prompt):
            try:
                prompt.format(**dict.fromkeys(FIELDS, ""))
            except (KeyError, IndexError, ValueError):
                known = ", ".join(f"{{{field}}}" for field in FIELDS)
                message = f"prompts: {prompt!r} has a field other than {known}"
                raise ValueError(message) from None
        return self

    @model_validator(mode="after")
    def _check_attack(self) -> "Suite":
        attack = self.attack
        if attack is None:
            asked = any(LEARNED in prompt for prompt in self.prompts)
            _require(not asked, f"prompts: {LEARNED} needs a table [attack] that names concepts")
            return self
        message = "attack: embeddings are learned for objects; take the table out"
        _require(self.concept == "object", message)
        forgotten = {concept for group in self.groups for concept in group.concepts}
        for concept in attack.concepts:
            message = f"attack.concepts: {concept!r} is forgotten in no group"
            _require(concept in forgotten, message)
        message = "attack.seed: is among seeds; learn from other pictures"
        _require(attack.seed not in self.seeds, message)
        for template in attack.templates:
            message = f"attack.templates: {template!r} is asked for; learn from another"
            _require(not any(place in template for place in self.scenes), message)
        return self


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
    content: dict[str, Any],
    quick: bool = False,
    folder: Path = SUITES,
    dry_run: bool = False,
) -> Suite:
    """A suite from its file's content, which lies in ``folder``.

    Raises:
        SuiteError: a key is unknown, missing, of another type, or does not fit another.
    """
    try:
        content = _with_lists({"name": name, **content}, read_toml(LISTS))
        shrunk, dry = content.pop("quick", {}), content.pop("dry_run", {})
        if dry_run:
            _require(bool(dry), "dry_run: is missing; only suites of a checkpoint have one")
            content = {**content, **dry, "dry_run": True, "checkpoint": ""}
        if quick:
            content = _shrink(content, shrunk)
        content["groups"] = _groups(content)
        best = _with_lists(read_toml(BEST), read_toml(LISTS)).get(
            content.get("concept", "object"), {}
        )
        sweeps = [Sweep(**table) for table in content.get("sweeps", [])]
        entries = [Entry.of_table(table, best) for table in content.pop("methods", [])]
        content["entries"] = [*entries, *(entry for sweep in sweeps for entry in sweep.entries)]
        if "conditions" in content:
            content["conditions"] = [Condition.of_table(table) for table in content["conditions"]]
        if not content.get("attack"):
            content["attack"] = None
        if "prompt_file" in content:
            content["prompt_file"] = {**content["prompt_file"], "folder": folder}
        checkpoint = content.pop("checkpoint", "")
        content["checkpoint"] = folder / DATA / checkpoint if checkpoint else None
        contexts = "objects" if content.get("concept") == "style" else "scenes"
        content.setdefault("forgotten_scenes", len(content.get(contexts, ())))
        return Suite(**content)
    except ValidationError as error:
        raise SuiteError(_sentence(error)) from None
    except ValueError as error:
        raise SuiteError(f"{error}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """A file's content."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _with_lists(value: Any, lists: Mapping[str, list[str]]) -> Any:
    """The value with lists in place of their names, as ``"@objects"``."""
    if isinstance(value, dict):
        return {key: _with_lists(one, lists) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_lists(one, lists) for one in value]
    if isinstance(value, str) and value.startswith("@"):
        _require(value[1:] in lists, f"{value!r}: {LISTS.name} has no such list")
        return list(lists[value[1:]])
    return value


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong: where, what, and what was written there."""
    wrong = error.errors()[0]
    start = ("sweeps",) if error.title == "Sweep" else ()
    path = [*start, *(part for part in wrong["loc"] if isinstance(part, str))]
    where, kind = ".".join(path), wrong["type"]
    if kind == "extra_forbidden":
        table = TABLES.get(path[0], Suite) if len(path) > 1 else Suite
        return f"{where}: unknown; known are {', '.join(sorted(table.model_fields))}"
    if kind == "missing":
        return f"{where}: is missing; give one"
    message = wrong["msg"].removeprefix("Value error, ")
    if kind in ("too_short", "string_too_short"):
        message = f"is empty; give at least {wrong.get('ctx', {}).get('min_length', 1)}"
    return f"{where}: {message}; it is {wrong['input']!r}" if where else message


TABLES: Mapping[str, type[BaseModel]] = {
    "attack": Attack,
    "prompt_file": PromptFile,
    "sweeps": Sweep,
}


def _require(truth: bool, message: str) -> None:
    if not truth:
        raise ValueError(message)


def _require_unique(key: str, names: Iterable[str]) -> None:
    names = list(names)
    for name in names:
        _require(names.count(name) < 2, f"{key}: {name!r} is there twice; give one another name")


def _name(path: Path) -> str:
    own = path.stem
    return own if path.parent.name == SUITES.name else f"{path.parent.name}/{own}"


def _shrink(content: dict[str, Any], quick: Settings) -> dict[str, Any]:
    """The content of a quick form."""
    few = quick.get("concepts")
    shrunk = {**content, **{k: v for k, v in quick.items() if k not in (*CHOSEN, "concepts")}}
    for key in CHOSEN.keys() & quick.keys():
        tables = {table.get(CHOSEN[key], table.get("use")): table for table in content[key]}
        for name in quick[key]:
            _require(name in tables, f"quick.{key}: {name!r} is none of {', '.join(tables)}")
        shrunk[key] = [tables[name] for name in quick[key]]
    if "groups" in quick:
        shrunk["methods"] = [_only(table, "groups", quick["groups"]) for table in shrunk["methods"]]
    if few:
        groups = [_only(_only(group, "concepts", few), "each", few) for group in shrunk["groups"]]
        shrunk["groups"] = groups
    return shrunk


def _only(table: Settings, key: str, names: Iterable[str]) -> dict[str, Any]:
    """The table with these of the names that it lists under ``key``, where it does."""
    chosen = {key: [name for name in table[key] if name in names]} if key in table else {}
    return {**table, **chosen}


def _groups(content: Settings) -> list[dict[str, Any]]:
    """Groups as they are forgotten: ``each`` makes one of every concept."""
    groups: list[dict[str, Any]] = []
    for table in content.get("groups", []):
        family = table.get("name", "")
        message = f"groups: {family!r} needs either concepts or each"
        _require(("concepts" in table) != ("each" in table), message)
        rest = {key: value for key, value in table.items() if key != "each"} | {"family": family}
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
