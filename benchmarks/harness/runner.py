"""Run a suite: every picture that no row answers yet is drawn, kept and judged."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from PIL import Image
from torch import Tensor
from tqdm import tqdm

from fia_core import NeuronMask, concept_overlap
from workbench.in_process import load_host

from . import registry
from .judge import Look, as_batch
from .places import Places, forget_other_code
from .provenance import current_commit, drawn_by, has_changed
from .rows import OVERLAP, PREPARATION, PRUNED, Picture, Rows, RowsError, Run
from .shots import Shot, base_shots, group_shots
from .suite import BASE, Condition, Entry, Group, Suite

if TYPE_CHECKING:  # it needs the host
    from .hosted import HostedModel

PICTURES_AT_ONCE = 8
"""Judged, and kept for good, together."""


@dataclass(frozen=True)
class Task:
    """The smallest part of a suite that can run by itself: shards are made of these.

    Attributes:
        entry: the method.
        group: what it forgets; None for the base model.
        condition: how it samples.
        seed: of the pictures.
        shots: what is asked for.
        origin: what its rows say of where they come from.
    """

    entry: Entry
    group: Group | None
    condition: Condition
    seed: int
    shots: tuple[Shot, ...]
    origin: Run

    @property
    def title(self) -> str:
        """For people."""
        parts = (self.entry.label, self.group and self.group.name, self.condition.name)
        return ", ".join(part for part in (*parts, f"seed {self.seed}") if part)


def origin_of(suite: Suite, entry: Entry, group: Group | None = None) -> Run:
    """The run that a method's rows belong to, as its settings are now."""
    settings = suite.settings_hash(entry)
    if group is None:
        return Run(entry.label, settings)
    return Run(entry.label, settings, group.name, group.concepts)


def require_labels(suite: Suite, labels: Iterable[str]) -> None:
    """Raise ValueError unless the suite has a method of each label."""
    known = [entry.label for entry in suite.entries]
    for label in labels:
        if label not in known:
            raise ValueError(f"--method: {label!r} is none of the suite's: {', '.join(known)}")


def plan(suite: Suite, labels: Iterable[str] = ()) -> list[Task]:
    """All tasks, those of a method and a group together.

    The base model's come first, then the reference's: pictures and masks are compared with theirs.

    Args:
        suite: what to run.
        labels: of the methods; all where empty. The base model always is among them.

    Raises:
        ValueError: the suite has no method of that label.
    """
    wanted = set(labels)
    require_labels(suite, wanted)
    tasks: list[Task] = []
    first = (BASE, suite.reference)
    for entry in sorted(suite.entries, key=lambda entry: (*first, entry.label).index(entry.label)):
        if entry.label == BASE:
            origin = origin_of(suite, entry)
            tasks += [
                Task(entry, None, condition, seed, base_shots(suite, condition, seed), origin)
                for condition in suite.conditions
                for seed in suite.seeds
            ]
        elif not wanted or entry.label in wanted:
            for group in suite.groups:
                if not entry.is_measured_on(group.family):
                    continue
                origin = origin_of(suite, entry, group)
                for condition in suite.conditions:
                    for seed in suite.seeds:
                        shots = group_shots(suite, group, condition, seed)
                        tasks.append(Task(entry, group, condition, seed, shots, origin))
    return tasks


def run(suite: Suite, tasks: Sequence[Task], rows: Rows, places: Places) -> None:
    """Do what the rows lack of the tasks; nothing is drawn where only a judge is missing.

    Raises:
        RowsError: there are rows of other settings, or of other code beside which more would be
            drawn.
        SuiteError: a method does not take its settings, or the checkpoint is not there.
    """
    labels = {task.entry.label for task in tasks}
    rows.require_settings(labels, {task.origin.settings for task in tasks})
    work = _Work(suite, rows, places)
    total = sum(len(work.missing(task)) for task in tasks)
    if not total:
        return
    work.require_same_code(tasks)
    work.load_judges()
    pause = 0.1 if sys.stderr.isatty() else 60  # seconds; a log gets few lines
    with tqdm(total=total, unit="picture", mininterval=pause) as bar:
        for task in tasks:
            bar.set_description(f"{suite.name}: {task.title}", refresh=False)
            for count in work.do(task):
                bar.update(count)


def unfinished(suite: Suite, tasks: Iterable[Task], rows: Rows, places: Places) -> list[Task]:
    """Those of the tasks of which something is missing."""
    work = _Work(suite, rows, places)
    return [task for task in tasks if work.missing(task)]


class _Work:
    """Common to all tasks of a run: judges, model, and the method that forgot last."""

    def __init__(self, suite: Suite, rows: Rows, places: Places) -> None:
        self.suite = suite
        self.rows = rows
        self.places = places
        self.judges = {name: registry.judge(name) for name in suite.judges}
        self._looks: dict[str, Look] = {}
        self._seconds = {key: one.seconds for key, one in rows.pictures.items()}
        base = next(entry for entry in suite.entries if entry.label == BASE)
        self._reference = next(entry for entry in suite.entries if entry.label == suite.reference)
        self._base_origin = origin_of(suite, base)
        self._erased: tuple[Any, Any] = (None, None)

    def require_same_code(self, tasks: Iterable[Task]) -> None:
        """Raise RowsError where pictures would be drawn beside those of other code or another
        checkpoint."""
        checkpoint = drawn_by(self.suite).partition(" ")[2]
        for task in tasks:
            drawn = self.rows.commits.get(task.origin)
            if drawn is None or all(self._is_drawn(task.origin, s) for s in self.missing(task)):
                continue
            if has_changed(drawn) or drawn.partition(" ")[2] != checkpoint:
                raise RowsError(
                    f"{self.suite.name}: the rows of {task.entry.label!r} were drawn by {drawn}, "
                    "and the code or the checkpoint is another now; --fresh measures all methods "
                    f"again, --fresh --method {task.entry.label!r} this one only"
                )

    def load_judges(self) -> None:
        """Make them ready; one that lacks something says so before anything is drawn."""
        self._looks = {name: judge.load() for name, judge in self.judges.items()}

    def missing(self, task: Task) -> list[Shot]:
        """The shots that some judge has not seen."""
        origin = task.origin
        return [shot for shot in task.shots if self._is_missing(origin, shot)]

    def do(self, task: Task) -> Iterator[int]:
        """Draw, keep and judge what is missing of a task; a number for some pictures done."""
        missing = iter(self.missing(task))
        while part := list(islice(missing, PICTURES_AT_ONCE)):
            new = [shot for shot in part if not self._is_drawn(task.origin, shot)]
            if new:
                self._draw(task, new)
            self.rows.add(self._judge(task.origin, part))
            yield len(part)

    @cached_property
    def _model(self) -> "HostedModel":
        """The suite's, loaded when the first picture is to be drawn."""
        forget_other_code(self.places.host, current_commit())
        extension = load_host(self.places.host)
        from .hosted import HostedModel

        model = HostedModel.of_suite(self.suite, extension)
        model.check(self.suite.entries)
        return model

    def _draw(self, task: Task, shots: Sequence[Shot]) -> None:
        model = self._model.sampled_with(task.condition.sampling)
        erased = self._erase(model, task)
        for shot in shots:
            start = time.monotonic()
            text = model.prompt(erased, shot.prompt, self.suite.attack)
            picture = model.draw(erased, text, shot.seed, self._start(task.condition, shot))
            self._seconds[task.origin, shot] = time.monotonic() - start
            path = self.places.picture(task.origin, shot)
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)

    def _erase(self, model: "HostedModel", task: Task) -> Any:
        """The model that forgot; kept from one task to the next of a method and group."""
        key = (task.origin, model.sampling.lora == "before")
        if self._erased[0] != key:
            group, start = task.group, time.monotonic()
            names = (group.concepts, group.kept) if group else ((), ())
            self._erased = key, model.erased(task.entry, *names)
            if task.origin not in self.rows.commits:
                figures = self._figures(task, time.monotonic() - start) if group else {}
                self.rows.begin(task.origin, drawn_by(self.suite), figures)
        return self._erased[1]

    def _figures(self, task: Task, seconds: float) -> dict[str, float]:
        """Of a method after it forgot a group: how long it took, and what its mask prunes."""
        figures, made = {PREPARATION: seconds}, self._erased[1].mask
        if made is not None:
            path = self.places.mask(task.origin)
            path.parent.mkdir(parents=True, exist_ok=True)
            made.save(path)
            mask = NeuronMask.load(path)
            figures[PRUNED] = mask.count / mask.weights
            figures |= self._overlap(task.origin, mask)
        return figures

    def _overlap(self, origin: Run, mask: NeuronMask) -> dict[str, float]:
        """With the reference's mask of the same group, where both are on the same layers."""
        reference = replace(
            origin_of(self.suite, self._reference), group=origin.group, concepts=origin.concepts
        )
        path = self.places.mask(reference)
        if origin == reference or not path.exists():
            return {}
        other = NeuronMask.load(path)
        if other.shapes != mask.shapes:
            return {}
        overlap = concept_overlap([mask, other], [True, True], mask)
        return {OVERLAP: float(overlap.jaccard[0, 1])}

    def _start(self, condition: Condition, shot: Shot) -> Image.Image | None:
        """The picture that sampling starts from."""
        if not condition.start:
            return None
        return self._picture(self._base_origin, replace(shot, condition=condition.start))

    def _is_drawn(self, origin: Run, shot: Shot) -> bool:
        """Whether only a judge is missing."""
        return (origin, shot) in self._seconds and self.places.picture(origin, shot).exists()

    def _is_missing(self, origin: Run, shot: Shot) -> bool:
        """Whether a judge has not seen it, or its file is wanted later and not there."""
        if any(not self.rows.has(origin, shot, name) for name in self.judges):
            return True
        wanted = any(judge.compares for judge in self.judges.values()) or any(
            condition.start for condition in self.suite.conditions
        )
        return (
            origin == self._base_origin
            and wanted
            and not self.places.picture(origin, shot).exists()
        )

    def _judge(self, origin: Run, shots: Sequence[Shot]) -> Iterable[Picture]:
        """Every judge's values of those of the pictures that it has not seen."""
        found = {shot: Picture(origin, shot, self._seconds[origin, shot]) for shot in shots}
        for name, judge in self.judges.items():
            unseen = [shot for shot in shots if not self.rows.has(origin, shot, name)]
            if not unseen:
                continue
            before = self._batch(self._base_origin, unseen) if judge.compares else None
            values = self._looks[name](self._batch(origin, unseen), unseen, before)
            for shot, value in zip(unseen, values, strict=True):
                found[shot].values[name] = value
        return found.values()

    def _batch(self, origin: Run, shots: Sequence[Shot]) -> Tensor:
        return as_batch([self._picture(origin, shot) for shot in shots])

    def _picture(self, origin: Run, shot: Shot) -> Image.Image:
        """A drawn one, from its file."""
        with Image.open(self.places.picture(origin, shot)) as picture:
            return picture.convert("RGB")
