"""A suite in shards: Ray's workers run them, each with a ComfyUI and rows of its own.

A shard holds tasks of the same method, group and seed together, so that a picture that another one
starts from is drawn by the same worker. Pictures and masks lie in folders that all workers share:
on several machines the repository has to be on a shared drive.
"""

import asyncio
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from workbench.environment import ROOT

from .drawing import SHOTS_A_GRAPH
from .ledger import Ledger, Origin
from .places import Places
from .provenance import note_commit
from .registry import OVERLAP, PREPARATION, PRUNED
from .runner import NO_SHOT, Task, run, unfinished
from .shots import Shot
from .suite import BASE, Suite

INSTALL = "python -m pip install -r workbench/requirements-ray.txt, with .environment's Python"


class ShardingError(ValueError):
    """Ray is missing, or a worker failed; the message has the reason."""


@dataclass(frozen=True)
class ShardPlaces(Places):
    """A worker's own: ComfyUI's folder, and the rows that go into the suite's table at the end."""

    shard: int = 0

    @property
    def server(self) -> Path:
        return super().server.with_name(f"{super().server.name}-shard-{self.shard}")

    @property
    def rows(self) -> Path:
        return self.server / "rows.csv"

    @property
    def commits(self) -> Path:
        return self.server / "rows.commits"


def run_sharded(
    suite: Suite, tasks: Sequence[Task], ledger: Ledger, places: Places, workers: int
) -> None:
    """The same as ``runner.run``, by ``workers`` of Ray.

    Without ``RAY_ADDRESS`` Ray is started on this machine and stopped again. What workers of an
    interrupted run have measured is taken over first.

    Raises:
        ShardingError: Ray is not installed, or a worker failed.
        LedgerError: the ledger holds rows of another version of a method.
    """
    ray = _started_ray(workers)
    own = [ShardPlaces(*astuple(places), shard=number) for number in range(1, workers + 1)]
    measure = ray.remote(num_cpus=1, max_retries=0)(_measure)
    try:
        note_commit(places.commits)
        take_over(ledger, own)
        for stage in stages(suite, tasks):
            shards = cut(unfinished(suite, stage, ledger, places), workers)
            for place in own:
                lend(ledger, place)
            running = [measure.remote(suite, *work) for work in zip(shards, own, strict=False)]
            try:
                ray.get(running)
            except BaseException:
                _end(ray, running)
                raise
            finally:
                take_over(ledger, own)
    except ray.exceptions.RayTaskError as error:
        raise ShardingError(f"--ray: {error.cause}") from error
    finally:
        ray.shutdown()
    ledger.reorder(order(suite, tasks))


def stages(suite: Suite, tasks: Iterable[Task]) -> list[list[Task]]:
    """Tasks that may run side by side: the base model's, the reference's, and all others.

    Pictures are compared with the base model's, and masks with the reference's.
    """
    found: dict[int, list[Task]] = {0: [], 1: [], 2: []}
    for task in tasks:
        found[(BASE, suite.reference, task.entry.label).index(task.entry.label)].append(task)
    return [stage for stage in found.values() if stage]


def cut(tasks: Iterable[Task], count: int) -> list[list[Task]]:
    """At most ``count`` shards of about as many pictures each, none empty.

    Tasks of one method and group lie in as few shards as can be: each prepares the method anew.
    """
    units: dict[tuple[str, str, int], list[Task]] = {}
    for task in tasks:
        units.setdefault((task.entry.label, task.origin.group, task.seed), []).append(task)
    total = sum(len(task.shots) for unit in units.values() for task in unit)
    shards: list[list[Task]] = [[] for _ in range(count)]
    before = 0
    for unit in units.values():
        pictures = sum(len(task.shots) for task in unit)
        middle = before + pictures / 2
        shards[min(count - 1, int(middle * count / total))] += unit
        before += pictures
    return [shard for shard in shards if shard]


def lend(ledger: Ledger, place: ShardPlaces) -> None:
    """Let a worker know all rows that there are."""
    place.rows.parent.mkdir(parents=True, exist_ok=True)
    place.rows.unlink(missing_ok=True)
    if ledger.rows:
        shutil.copy(ledger.path, place.rows)


def take_over(ledger: Ledger, own: Iterable[ShardPlaces]) -> None:
    """Add the rows of the workers that the ledger has not, and take their files away."""
    for place in own:
        if place.rows.exists():
            ledger.add(
                row
                for row in Ledger(place.rows).rows
                if not ledger.has(row.origin, row.shot, row.judge)
            )
            place.rows.unlink()


def order(suite: Suite, tasks: Iterable[Task]) -> list[tuple[Origin, Shot, str]]:
    """What the rows answer, in the order in which one run alone would have written them."""
    found: dict[tuple[Origin, Shot, str], None] = {}
    for task in tasks:
        for what in (PREPARATION, PRUNED, OVERLAP):
            found[task.origin, NO_SHOT, what] = None
        for start in range(0, len(task.shots), SHOTS_A_GRAPH):
            for judge in suite.judges:
                for shot in task.shots[start : start + SHOTS_A_GRAPH]:
                    found[task.origin, shot, judge] = None
    return list(found)


def _measure(suite: Suite, tasks: Sequence[Task], places: ShardPlaces) -> None:
    """What a worker does."""
    asyncio.run(run(suite, tasks, Ledger(places.rows), places))


def _started_ray(workers: int) -> Any:
    """The module, with its workers at hand."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ShardingError(f"--ray: Ray is not installed. Install it: {INSTALL}.") from None
    here = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": workers, "include_dashboard": False}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    ray.init(runtime_env={"env_vars": {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}}, **here)
    return ray


def _end(ray: Any, running: list[Any]) -> None:
    """Let the workers stop their ComfyUI before Ray stops them."""
    for one in running:
        ray.cancel(one)
    ray.wait(running, num_returns=len(running), timeout=30)
