"""Run a suite: every picture that no row answers yet is drawn, kept and judged."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from PIL import Image
from tqdm import tqdm

from workbench.in_process import load_host

from . import registry
from .judge import Look, as_batch
from .places import Places
from .provenance import drawn_by, has_changed
from .rows import PREPARATION, PRUNED, Picture, Rows, RowsError, Run
from .sampling import AT_ONCE
from .shots import Shot, base_shots, group_shots
from .suite import BASE, Condition, Entry, Group, Suite

if TYPE_CHECKING:  # it needs the host
    from .hosted import HostedModel


@dataclass(frozen=True)
class Task:
    """The smallest part of a suite that can run by itself.

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
    """All tasks, those of a method and a group together; the base model's first, since pictures are
    compared with its.

    Args:
        suite: what to run.
        labels: of the methods; all where empty. The base model always is among them.

    Raises:
        ValueError: the suite has no method of that label.
    """
    wanted = set(labels)
    require_labels(suite, wanted)
    tasks = list[Task]()
    for entry in sorted(suite.entries, key=lambda entry: entry.label != BASE):
        is_base = entry.label == BASE
        if wanted and not is_base and entry.label not in wanted:
            continue
        for group in [None] if is_base else suite.groups:
            if group and not entry.is_measured_on(group.family):
                continue
            origin = origin_of(suite, entry, group)
            for condition, seed in product(suite.conditions, suite.seeds):
                if group:
                    shots = group_shots(suite, group, condition, seed)
                else:
                    shots = base_shots(suite, condition, seed)
                tasks.append(Task(entry, group, condition, seed, shots, origin))
    return tasks


def require_base(suite: Suite, rows: Rows) -> None:
    """Raise RowsError unless the rows have all of the base model's pictures, with which every part
    compares its own."""
    for task in plan(suite, [BASE]):
        if not all(rows.has(task.origin, shot, suite.judges) for shot in task.shots):
            raise RowsError(
                "--part: all parts compare with the base model's pictures; first run "
                f"python3 benchmarks/run.py {suite.name} --method {BASE}"
            )


def part_of(tasks: Sequence[Task], number: int, count: int) -> list[Task]:
    """The tasks of one of ``count`` parts, ``number`` from 1 on; a method and group is in one part,
    so that it prepares once."""
    origins = list(dict.fromkeys(task.origin for task in tasks))
    mine = set(origins[number - 1 :: count])
    return [task for task in tasks if task.origin in mine]


def run(suite: Suite, tasks: Sequence[Task], rows: Rows, places: Places) -> None:
    """Draw and judge what the rows lack of the tasks.

    Raises:
        RowsError: there are rows of other settings, or of other code beside which more would be
            drawn.
        SuiteError: a method does not take its settings, or the checkpoint is not there.
    """
    labels = {task.entry.label for task in tasks}
    rows.require_settings(labels, {task.origin.settings for task in tasks})
    work = _Work(suite, rows, places)
    unfinished = [task for task in tasks if work.missing(task)]
    if not unfinished:
        return
    work.require_same_code(unfinished)
    work.load_judges()
    total = sum(len(work.missing(task)) for task in unfinished)
    pause = 0.1 if sys.stderr.isatty() else 60  # seconds; a log gets few lines
    with tqdm(total=total, unit="picture", mininterval=pause) as bar:
        for task in unfinished:
            bar.set_description(f"{suite.name}: {task.title}", refresh=False)
            for count in work.do(task):
                bar.update(count)


class _Work:
    """Common to all tasks of a run: judges, model, and the method that forgot last."""

    def __init__(self, suite: Suite, rows: Rows, places: Places) -> None:
        self.suite = suite
        self.rows = rows
        self.places = places
        self.judges = {name: registry.judge(name) for name in suite.judges}
        self._looks: dict[str, Look] = {}
        self._base_origin = origin_of(suite, suite.entry(BASE))
        self._compares = any(judge.compares for judge in self.judges.values())
        self._base_is_looked_at = self._compares or any(
            condition.start for condition in suite.conditions
        )
        self._erased: tuple[Any, Any] = (None, None)

    def require_same_code(self, tasks: Iterable[Task]) -> None:
        """Raise RowsError where pictures would be drawn beside those of other code or another
        checkpoint; the base model's are beside all."""
        checkpoint = drawn_by(self.suite).partition(" ")[2]
        for origin in (*(task.origin for task in tasks), self._base_origin):
            drawn = self.rows.commits.get(origin)
            if drawn is None:
                continue
            if has_changed(drawn) or drawn.partition(" ")[2] != checkpoint:
                raise RowsError(
                    f"{self.suite.name}: the rows of {origin.method!r} were drawn by {drawn}, "
                    "and the code or the checkpoint is another now; --fresh measures all methods "
                    f"again, --fresh --method {origin.method!r} this one only"
                )

    def load_judges(self) -> None:
        """Make them ready; one that lacks something says so before anything is drawn."""
        self._looks = {name: judge.load() for name, judge in self.judges.items()}

    def missing(self, task: Task) -> list[Shot]:
        """The shots that some judge has not seen, or whose file is wanted later and not there."""
        wanted = self._base_is_looked_at and task.origin == self._base_origin
        return [
            shot
            for shot in task.shots
            if not self.rows.has(task.origin, shot, self.judges)
            or (wanted and not self.places.picture(task.origin, shot).exists())
        ]

    def do(self, task: Task) -> Iterator[int]:
        """Draw, judge and keep what is missing of a task; a number for some pictures done."""
        missing = iter(self.missing(task))
        model = self._model.sampled_with(task.condition.sampling)
        try:
            erased = self._erase(model, task)
        except model.refusal as error:
            if not self.suite.curves:
                raise
            tqdm.write(f"{task.title}: {error}", sys.stderr)  # a sweep may go too far
            return
        while part := list(islice(missing, AT_ONCE)):
            drawn = self._drawn(task, part, model, erased)
            looked_at = as_batch(drawn)
            before = as_batch([*map(self._base_picture, part)]) if self._compares else None
            found = [Picture(task.origin, shot) for shot in part]
            for name, look in self._looks.items():
                values = look(looked_at, part, before if self.judges[name].compares else None)
                for one, value in zip(found, values, strict=True):
                    one.values[name] = value
            # where only the file was gone, the row stays
            has = partial(self.rows.has, task.origin, judges=self.judges)
            self.rows.add([one for one in found if not has(one.shot)])
            yield len(part)

    @cached_property
    def _model(self) -> "HostedModel":
        """The suite's, loaded when the first picture is to be drawn."""
        extension = load_host(self.places.host)
        from .hosted import HostedModel

        model = HostedModel.of_suite(self.suite, extension)
        model.check(self.suite.entries)
        return model

    def _drawn(
        self, task: Task, shots: Sequence[Shot], model: "HostedModel", erased: Any
    ) -> list[Image.Image]:
        """Pictures, which are in their files now."""
        size = model.sampling.batch_size
        drawn: list[Image.Image] = []
        for first in range(0, len(shots), size):
            part = shots[first : first + size]
            texts = [shot.prompt for shot in part]
            begin = task.condition.start
            starts = [self._base_picture(replace(shot, condition=begin)) for shot in part if begin]
            pictures = model.draw(erased, texts, [shot.seed for shot in part], starts)
            for shot, picture in zip(part, pictures, strict=True):
                path = self.places.picture(task.origin, shot)
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path)
                drawn.append(picture)
        return drawn

    def _erase(self, model: "HostedModel", task: Task) -> Any:
        """The model that forgot; kept from one task to the next of a method and group."""
        if self._erased[0] != task.origin:
            group, start = task.group, time.monotonic()
            names = (group.concepts, group.told or group.kept) if group else ((), ())
            self._erased = task.origin, model.erased(task.entry, *names)
            if task.origin not in self.rows.commits:
                figures = self._figures(time.monotonic() - start) if group else {}
                self.rows.begin(task.origin, drawn_by(self.suite), figures)
        return self._erased[1]

    def _figures(self, seconds: float) -> dict[str, float]:
        """How long a method took to forget a group, and what its mask prunes."""
        mask = self._erased[1].mask
        return {PREPARATION: seconds, **({PRUNED: mask.count / mask.weights} if mask else {})}

    def _base_picture(self, shot: Shot) -> Image.Image:
        """The base model's, from its file."""
        with Image.open(self.places.picture(self._base_origin, shot)) as picture:
            return picture.convert("RGB")
