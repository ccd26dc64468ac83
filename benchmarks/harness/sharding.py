"""A suite on several cores or machines: Ray's workers draw a method, group and seed at a time.

Pictures and masks lie in folders that all workers share: on several machines the repository has to
be on a shared drive.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from workbench.environment import ROOT

from .places import Places
from .rows import Rows
from .runner import Task, run
from .suite import BASE, Suite

INSTALL = "python -m pip install -r workbench/requirements-ray.txt, with .environment's Python"


class ShardingError(ValueError):
    """Ray is missing, or a worker failed; the message has the reason."""


def run_sharded(
    suite: Suite, tasks: Sequence[Task], rows: Rows, places: Places, workers: int
) -> None:
    """``runner.run`` by Ray's workers; what one has measured is kept when it is done.

    Args:
        suite, tasks, rows, places: as of ``runner.run``.
        workers: how many, on this machine; with ``RAY_ADDRESS`` they are the cluster's.

    Raises:
        ShardingError: Ray is not installed, or a worker failed.
        RowsError: there are rows of other code or settings.
    """
    ray = _started_ray(workers)
    remote = ray.remote(max_retries=0)(measure)
    try:
        for stage in stages(suite, tasks):
            known = ray.put(rows)
            running = [remote.remote(suite, shard, known, places) for shard in cut(stage)]
            while running:
                (done,), running = ray.wait(running)
                rows.take(ray.get(done))
    except ray.exceptions.RayTaskError as error:
        raise ShardingError(f"--ray: {error.cause}") from error
    finally:
        ray.shutdown()


def stages(suite: Suite, tasks: Iterable[Task]) -> list[list[Task]]:
    """Tasks that may run side by side: the base model's, the reference's, and all others, which
    come in this order.

    Pictures are compared with the base model's, and masks with the reference's.
    """
    turns = {BASE: 0, suite.reference: 1}
    by_turn = groupby(tasks, lambda task: turns.get(task.entry.label, 2))
    return [list(stage) for _, stage in by_turn]


def cut(tasks: Iterable[Task]) -> list[list[Task]]:
    """A shard for every method and group, so that a method prepares once; the base model, which has
    nothing to prepare, has one for every seed."""
    shards: dict[tuple[str, str, int], list[Task]] = {}
    for task in tasks:
        seed = 0 if task.group else task.seed
        shards.setdefault((task.entry.label, task.origin.group, seed), []).append(task)
    return list(shards.values())


def measure(suite: Suite, tasks: Sequence[Task], known: Rows, places: Places) -> Rows:
    """The remote function: the rows of these tasks; ``known`` ones are not measured again."""
    rows = Rows()
    rows.take(known)
    run(suite, tasks, rows, places)
    return rows.of({task.origin for task in tasks}, {s for task in tasks for s in task.shots})


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
