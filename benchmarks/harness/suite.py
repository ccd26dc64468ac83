"""A suite: what is forgotten, asked, compared and judged; ``suite_file.py`` reads it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Sweep:
    """A setting of a method and the values that it is tried with.

    Attributes:
        use: a file of ``benchmarks/methods``.
        setting, values: one of its settings, and values.
        default: the value of the method that is labelled ``use``; None where it is not to be shown.
        settings: further settings that all have.
        name: what their labels begin with.
    """

    use: str
    setting: str
    values: tuple[Any, ...]
    default: Any
    settings: Settings
    name: str

    def label(self, value: Any) -> str:
        """Of the method with this value."""
        return f"{self.name}, {self.setting} {value}"

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
    """Sampling settings under which every picture is asked for.

    Attributes:
        name: in the rows.
        sampling: the sampler's settings and the picture's size, where they differ.
        start: the condition whose picture of the base model sampling starts from, with ``denoise``
            below 1 in ``sampling``; empty for plain noise.
    """

    name: str
    sampling: Settings
    start: str = ""


@dataclass(frozen=True)
class Attack:
    """An embedding that shall bring a concept back, learned through every method's model.

    Attributes:
        concepts: that prompts with {learned} ask for in this way; others that are forgotten are
            not asked for with them, and those that should stay by their name.
        settings: of the learning.
    """

    concepts: tuple[str, ...]
    settings: Settings


@dataclass(frozen=True)
class PromptFile:
    """Which prompts a suite asks for, from which file, in place of templates.

    Attributes:
        path: of the file: CSV, TSV, or one prompt a line.
        prompt: the column of the prompts.
        seed: the column of their own seeds, to which the suite's are added; empty for none.
        shows: the concept that all of them ask for; ``NOTHING`` where that is none.
        first: how many are taken, from the top; 0 for all.
    """

    path: Path
    prompt: str
    seed: str
    shows: str
    first: int


@dataclass(frozen=True)
class Suite:
    """Everything that a run and a report need to know."""

    name: str
    title: str
    about: str
    concept: str
    scenes: tuple[str, ...]
    objects: tuple[str, ...]
    forgotten_scenes: int
    kept_scenes: int
    prompts: tuple[str, ...]
    plain_prompt: str
    seeds: tuple[int, ...]
    judges: tuple[str, ...]
    reference: str
    plots: tuple[str, ...]
    grid: str
    sampling: Settings
    conditions: tuple[Condition, ...]
    groups: tuple[Group, ...]
    entries: tuple[Entry, ...]
    sweeps: tuple[Sweep, ...]
    chooses: bool = False
    attack: Attack | None = None
    prompt_file: PromptFile | None = None
    checkpoint: Path | None = None
    dry_run: bool = False

    @property
    def packs(self) -> tuple[str, ...]:
        """Folders in ``benchmarks`` with nodes that the suite needs, whatever the methods."""
        return ("peer_nodes", "attack_nodes") if self.attack else ()

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
        conditions = [asdict(condition) for condition in self.conditions]
        settings: list[Any] = [entry.use, dict(entry.settings), dict(self.sampling), conditions]
        if self.attack:
            settings.append(asdict(self.attack))
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
        """What a concept is asked for together with."""
        return self.scenes if self.concept == "object" else self.objects
