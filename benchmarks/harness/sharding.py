"""A suite in shards: Ray's workers run them, each with a ComfyUI and rows of its own.

Pictures and masks lie in folders that all workers share: on several machines the repository has to
be on a shared drive.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from workbench.environment import ROOT

from .places import Places
from .rows import Rows
from .runner import Task, run, unfinished
from .suite import BASE, Suite

INSTALL = "python -m pip install -r workbench/requirements-ray.txt, with .environment's Python"


class ShardingError(ValueError):
    """Ray is missing, or a worker failed; the message has the reason."""


@dataclass(frozen=True)
class ShardPlaces(Places):
    """A worker's own: ComfyUI's folder, and with it the database."""

    shard: int = 0

    @property
    def server(self) -> Path:
        return super().server.with_name(f"{super().server.name}-shard-{self.shard}")


def run_sharded(
    suite: Suite, tasks: Sequence[Task], rows: Rows, places: Places, workers: int
) -> None:
    """``runner.run`` by ``workers`` of Ray; what an interrupted run has measured is taken first.

    Raises:
        ShardingError: Ray is not installed, or a worker failed.
        RowsError: there are rows of other code or settings.
    """
    ray = _started_ray(workers)
    own = [ShardPlaces(*astuple(places), shard=number) for number in range(1, workers + 1)]
    measure = ray.remote(num_cpus=1, max_retries=0)(_measure)
    try:
        take_over(rows, own)
        for stage in stages(suite, tasks):
            shards = cut(unfinished(suite, stage, rows, places), workers)
            running = [
                measure.remote(suite, *work, rows) for work in zip(shards, own, strict=False)
            ]
            try:
                ray.get(running)
            except BaseException:
                for one in running:
                    ray.cancel(one)  # lets the workers stop their ComfyUI
                ray.wait(running, num_returns=len(running), timeout=30)
                raise
            finally:
                take_over(rows, own)
    except ray.exceptions.RayTaskError as error:
        raise ShardingError(f"--ray: {error.cause}") from error
    finally:
        ray.shutdown()


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

    Tasks of a method, group and seed stay together, in order: each shard prepares its methods.
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


def take_over(rows: Rows, own: Iterable[ShardPlaces]) -> None:
    """Add what workers have measured, and take their databases away."""
    for place in own:
        if place.database.exists():
            rows.take(Rows(place.rows, place.database))
            place.database.unlink()


def _measure(suite: Suite, tasks: Sequence[Task], places: ShardPlaces, known: Rows) -> None:
    """A worker's part; ``known`` are all rows that there are."""
    rows = Rows(places.rows / "none", places.database)
    rows.take(known)
    asyncio.run(run(suite, tasks, rows, places))


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
