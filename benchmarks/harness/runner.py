"""Run a suite: every picture that no row answers yet is drawn, kept and judged."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from PIL import Image
from torch import Tensor

from fia_core import NeuronMask
from workbench.client import OnProgress, Progress, Server
from workbench.console import ProgressLine
from workbench.erasure import after_pictures
from workbench.server import running_server

from . import registry
from .checkpoint import setup_of
from .drawing import SHOTS_A_GRAPH, Brush, as_batch, draw, prepare
from .judge import Look
from .method import Setup
from .places import Places
from .provenance import drawn_by, has_changed
from .rows import OVERLAP, PREPARATION, PRUNED, Picture, Rows, RowsError, Run
from .server_folder import make_ready
from .shots import Shot, base_shots, group_shots
from .suite import BASE, Condition, Entry, Group, Suite


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
    """What the rows of a method say of where they come from, as its settings are now."""
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
                if entry.families and group.family not in entry.families:
                    continue
                origin = origin_of(suite, entry, group)
                for condition in suite.conditions:
                    for seed in suite.seeds:
                        shots = group_shots(suite, group, condition, seed)
                        tasks.append(Task(entry, group, condition, seed, shots, origin))
    return tasks


async def run(suite: Suite, tasks: Sequence[Task], rows: Rows, places: Places) -> None:
    """Do what the rows lack of the tasks; nothing is drawn where only a judge is missing.

    Raises:
        RowsError: there are rows of other settings, or of other code beside which more would be
            drawn.
    """
    entries = list({task.entry.label: task.entry for task in tasks}.values())
    labels = {entry.label for entry in entries}
    rows.require_settings(labels, {task.origin.settings for task in tasks})
    work = _Work(suite, rows, places)
    total = sum(len(work.missing(task)) for task in tasks)
    if not total:
        return
    work.require_same_code(tasks)
    work.load_judges()
    print(f"{suite.name}: starting ComfyUI …", flush=True)
    make_ready(places.server, suite)
    async with running_server(places.server, packs=registry.packs(entries, suite.packs)) as server:
        setup = (await setup_of(suite, server)).sampled_with(suite.sampling)
        line = ProgressLine(suite.name, total)
        done = 0
        for task in tasks:
            line.title = f"{suite.name}: {task.title}"
            done += await work.do(server, setup, task, after_pictures(done, line))
        line.close()


def unfinished(suite: Suite, tasks: Iterable[Task], rows: Rows, places: Places) -> list[Task]:
    """Those of the tasks of which something is missing."""
    work = _Work(suite, rows, places)
    return [task for task in tasks if work.missing(task)]


class _Work:
    """What all tasks of a run share."""

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

    async def do(self, server: Server, setup: Setup, task: Task, on_progress: OnProgress) -> int:
        """Draw, keep and judge what is missing of a task; how many pictures that was."""
        shots = self.missing(task)
        if not shots:
            return 0
        brush = Brush(
            registry.method(task.entry.use),
            task.group.concepts if task.group else (),
            task.entry.settings,
            self.suite.attack,
        )
        await self._prepare(server, setup, brush, task, on_progress)
        setup = setup.sampled_with(task.condition.sampling)
        for start in range(0, len(shots), SHOTS_A_GRAPH):
            part = shots[start : start + SHOTS_A_GRAPH]
            new = [shot for shot in part if not self._is_drawn(task.origin, shot)]
            if new:
                listen = after_pictures(start, on_progress)
                starts = self._offer_starts(task.condition, new)
                pictures, seconds = await draw(server, setup, brush, new, listen, starts)
                for shot, picture in zip(new, pictures, strict=True):
                    path = self.places.picture(task.origin, shot)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    picture.save(path)
                    self._seconds[task.origin, shot] = seconds
            self.rows.add(self._judge(task.origin, part))
        return len(shots)

    def _offer_starts(self, condition: Condition, shots: Sequence[Shot]) -> list[str]:
        """Put the pictures that sampling starts from where the server looks for them."""
        if not condition.start:
            return []
        folder, names = self.places.server / "input", []
        for shot in shots:
            path = self.places.picture(self._base_origin, replace(shot, condition=condition.start))
            shutil.copy(path, folder)
            names.append(path.name)
        return names

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
        """What every judge says of those of the pictures that it has not seen."""
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
        """Pictures from their files."""
        pictures = []
        for shot in shots:
            with Image.open(self.places.picture(origin, shot)) as picture:
                pictures.append(picture.convert("RGB"))
        return as_batch(pictures)

    async def _prepare(
        self, server: Server, setup: Setup, brush: Brush, task: Task, on_progress: OnProgress
    ) -> None:
        """Once a method and group: how long it takes, and what its mask prunes."""
        origin, figures = task.origin, {}
        if origin in self.rows.commits:
            return

        def listen(progress: Progress) -> None:
            on_progress(replace(progress, shown=0))  # what the nodes show is no picture

        if task.group:
            file, figures[PREPARATION] = await prepare(server, setup, brush, listen)
            if file:
                kept = self.places.mask(origin)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(self.places.server / "models" / "neuron_masks" / file, kept)
                mask = NeuronMask.load(kept)
                figures[PRUNED] = mask.count / mask.weights
                figures |= self._overlap(origin, mask)
        self.rows.begin(origin, drawn_by(self.suite), figures)

    def _overlap(self, origin: Run, mask: NeuronMask) -> dict[str, float]:
        """With the reference's mask of the same group, where both are on the same layers."""
        reference = replace(
            origin_of(self.suite, self._reference), group=origin.group, concepts=origin.concepts
        )
        path = self.places.mask(reference)
        if origin == reference or not path.exists():
            return {}
        other = NeuronMask.load(path)
        return {OVERLAP: jaccard(mask, other)} if other.shapes == mask.shapes else {}


def jaccard(one: NeuronMask, other: NeuronMask) -> float:
    """Weights that both masks hold, as a share of those that either does; 1 for two empty masks."""
    both = either = 0
    for name, pruned in one.layers.items():
        both += int((pruned & other.layers[name]).count_nonzero())
        either += int((pruned | other.layers[name]).count_nonzero())
    return both / either if either else 1.0
