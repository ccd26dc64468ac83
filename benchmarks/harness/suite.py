"""A suite: what is forgotten, asked, compared and judged. ``suite_file.py`` reads it."""

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    model_validator,
)

from workbench.environment import ROOT

SUITES = ROOT / "benchmarks" / "suites"

NOTHING = "nothing"
"""What a file's prompts show where that is no concept."""

BASE = "base"
"""Label of the method that changes nothing; every other is compared with it."""

FIELDS = ("object", "misspelt", "scene", "style")
"""Fields that a prompt may hold."""


class SuiteError(ValueError):
    """A suite's file says something that cannot be run; the message names file, key and mend."""


def _no_two_alike(values: Any) -> Any:
    if len(set(values)) < len(values):
        raise ValueError(f"one is there twice: {', '.join(map(str, values))}")
    return values


def _require(truth: bool, message: str) -> None:
    if not truth:
        raise ValueError(message)


def _require_unique(key: str, names: Iterable[str]) -> None:
    names = list(names)
    for name in names:
        _require(names.count(name) < 2, f"{key}: {name!r} is there twice; give one another name")


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[tuple[str, ...], AfterValidator(_no_two_alike)]
SomeTexts = Annotated[Texts, Field(min_length=1)]


class _Table(BaseModel):
    """Part of a suite's file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Table):
    """Concepts that are forgotten together.

    Attributes:
        name: of the group; its only concept's where the file makes one of each.
        family: groups of one family are reported together.
        concepts: what is forgotten.
        kept: what should stay.
        neighbours: those of them that resemble what is forgotten; curves show them apart.
        told: those of them that methods which are told what to keep hear of; all where empty.
    """

    name: Text
    family: str
    concepts: SomeTexts
    kept: Texts
    neighbours: Texts = ()
    told: Texts = ()


class _Labelled(_Table):
    """A table with a label, which is the method's name where the file gives none."""

    label: str
    use: Text

    @model_validator(mode="before")
    @classmethod
    def _label_is_name(cls, table: dict[str, Any]) -> dict[str, Any]:
        return {"label": table.get("use", ""), **table}


class Entry(_Labelled, extra="allow"):
    """A method with its settings, under a label that is unique in the suite.

    Attributes:
        label: of the rows.
        use: a name in ``methods.toml``.
        groups: families of groups that it is measured on; all where empty.
        told: the method is told what to keep, which not every method can be.
    """

    groups: Texts = ()
    told: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """Every other key of the method's table."""
        return self.model_extra or {}

    def is_measured_on(self, family: str) -> bool:
        """Whether a family's groups are forgotten with it."""
        return not self.groups or family in self.groups


class Sweep(_Labelled):
    """A setting of a method and the values that it is tried with.

    Attributes:
        label: the beginning of the methods' labels.
        use: a name in ``methods.toml``.
        setting, values: one of its settings, and values.
        own: the value of the method's authors, where curves are to show it; one of ``values``.
        settings: further settings that all have.
        told: all are told what to keep.
    """

    setting: Text
    values: Annotated[tuple[Any, ...], Field(min_length=1)]
    own: Any = None
    settings: dict[str, Any] = {}
    told: bool = False

    @model_validator(mode="after")
    def _check_values(self) -> "Sweep":
        message = f"{self.setting!r}: the authors' own {self.own!r} is not among the values"
        _require(self.own is None or self.own in self.values, message)
        return self

    @cached_property
    def entries(self) -> list[Entry]:
        """A method for every value."""
        return [
            Entry(
                label=f"{self.label}, {self.setting} {value}",
                use=self.use,
                told=self.told,
                **{**self.settings, self.setting: value},
            )
            for value in self.values
        ]


class Condition(_Table, extra="allow"):
    """Sampling settings under which every picture is asked for.

    Attributes:
        name: in the rows.
        start: the condition whose picture of the base model sampling starts from, with ``denoise``
            below 1; empty for plain noise.
    """

    name: str = ""
    start: str = ""

    @property
    def sampling(self) -> dict[str, Any]:
        """Every other key: what differs of the sampler's settings (``harness/sampling.py``)."""
        return self.model_extra or {}


class PromptFile(_Table):
    """Which prompts a suite asks for, from which file, in place of templates.

    Attributes:
        file: CSV, or one prompt a line; in the suite's folder.
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
        """The file's path."""
        return self.folder / self.file


class Suite(_Table):
    """Everything that a run and a report need to know.

    Attributes:
        name: of the file.
        title, about: heading of the report, and what a reader should know.
        concept: what the groups' concepts are.
        scenes: where objects stand.
        objects: suites of styles: what is drawn in them, in place of scenes.
        forgotten_scenes: scenes (objects) a seed for what is forgotten; they go round.
        kept_scenes: the same for a concept that should stay.
        kept: concepts that should stay, less the group's own; all others of all groups where empty.
        prompts: templates with {object}, {misspelt}, {scene}, {style}; with articles.
        seeds: of the noise that the pictures start from.
        own_noise: every concept has its own noise: its place in the suite is added to the seed.
        judges: names of ``benchmarks/judges``.
        reference: label of the method that the others are tested against.
        sampling: the sampler's settings where they differ from the demo workflow's.
        conditions, groups, methods, sweeps, prompt_file: see there.
        quick: further methods of the quick form (``suite_file.py``).
        curves: the report follows every sweep to equal shares of what is kept.
        checkpoint: a file in the suite's folder ``data``, in place of the demo model.
        dry_run: the demo model stands in for the checkpoint.
    """

    name: str
    title: Text
    about: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    concept: Literal["object", "style"] = "object"
    scenes: Texts = ()
    objects: Texts = ()
    forgotten_scenes: StrictInt = 1
    kept_scenes: StrictInt = 1
    kept: Texts = ()
    prompts: Texts = ()
    seeds: Annotated[tuple[StrictInt, ...], Field(min_length=1), AfterValidator(_no_two_alike)]
    own_noise: bool = False
    judges: SomeTexts
    reference: str = "fia"
    sampling: dict[str, Any] = {}
    conditions: tuple[Condition, ...] = (Condition(),)
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    methods: tuple[Entry, ...]
    sweeps: tuple[Sweep, ...] = ()
    quick: Texts = ()
    curves: bool = False
    prompt_file: PromptFile | None = None
    checkpoint: Path | None = None
    dry_run: bool = False

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All methods, those of the sweeps last."""
        return (*self.methods, *(entry for sweep in self.sweeps for entry in sweep.entries))

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
        conditions = [
            {"name": one.name, "sampling": one.sampling, "start": one.start}
            for one in self.conditions
        ]
        settings: list[Any] = [entry.use, entry.settings, self.sampling, conditions]
        if entry.told:
            settings.append({"told": [group.told or group.kept for group in self.groups]})
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
        named = [("methods", BASE), ("reference", self.reference)]
        for key, label in [*named, *(("quick", label) for label in self.quick)]:
            _require(label in labels, f"{key}: no method has the label {label!r}")
        for entry in self.entries:
            for family in entry.groups:
                known = ", ".join(self.families)
                message = f"methods: {entry.label!r}: no groups {family!r}; there are {known}"
                _require(family in self.families, message)
        earlier: list[str] = []
        for condition in self.conditions:
            message = f"conditions: {condition.name!r} starts from {condition.start!r}; put that"
            _require(not condition.start or condition.start in earlier, f"{message} before it")
            earlier.append(condition.name)
        return self

    @model_validator(mode="after")
    def _check_prompts(self) -> "Suite":
        if self.prompt_file:
            return self
        contexts = "scenes" if self.concept == "object" else "objects"
        seeds = sorted(self.seeds)
        near = any(after - one < len(self.concepts) for one, after in pairwise(seeds))
        message = f"own_noise: seeds must be {len(self.concepts)} apart, or names share their noise"
        _require(not (self.own_noise and near), message)
        for key in ("prompts", contexts):
            _require(bool(getattr(self, key)), f"{key}: is empty; give at least 1")
        for key in ("forgotten_scenes", "kept_scenes"):
            count, most = getattr(self, key), len(self.contexts)
            _require(1 <= count <= most, f"{key}: {count} is not between 1 and {most}")
        for group in self.groups:
            _require(bool(group.kept), f"groups: {group.name!r} keeps nothing; name kept concepts")
            for key in ("neighbours", "told"):
                names = [name for name in getattr(group, key) if name not in group.kept]
                message = (
                    f"groups: {group.name!r}: {key} names what is not kept: {', '.join(names)}"
                )
                _require(not names, message)
        for prompt in self.prompts:
            try:
                prompt.format(**dict.fromkeys(FIELDS, ""))
            except (KeyError, IndexError, ValueError):
                known = ", ".join(f"{{{field}}}" for field in FIELDS)
                message = f"prompts: {prompt!r} has a field other than {known}"
                raise ValueError(message) from None
        return self
