"""A run in shards: what goes together, what waits for what, and that the table is the same."""

import subprocess
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from measured import InMemory, fill

from benchmarks.harness.places import Places
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.sharding import (
    ShardingError,
    ShardPlaces,
    cut,
    run_sharded,
    stages,
    take_over,
)
from benchmarks.harness.suite import Suite, parse_suite
from workbench.environment import ROOT


@pytest.fixture
def suite(content: dict[str, Any]) -> Suite:
    """Two conditions, of which the second starts from pictures of the first."""
    content["conditions"] = [{"name": "noise"}, {"name": "picture", "start": "noise"}]
    return parse_suite("small", content)


def test_the_base_model_and_the_reference_are_waited_for(suite: Suite) -> None:
    tasks = plan(suite)
    found = stages(suite, tasks)
    assert [{task.entry.label for task in stage} for stage in found] == [
        {"base"},
        {"fia"},
        {"weak"},
    ]
    assert [task for stage in found for task in stage] == tasks


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_every_task_is_in_one_shard_and_a_seed_of_a_group_in_no_two(
    suite: Suite, count: int
) -> None:
    tasks = plan(suite)
    shards = cut(tasks, count)
    assert len(shards) == min(count, 14)  # 2 methods with 3 groups, the base model; 2 seeds
    assert sorted((task for shard in shards for task in shard), key=tasks.index) == tasks
    units = [{(t.entry.label, t.origin.group, t.seed) for t in shard} for shard in shards]
    assert sum(map(len, units)) == len(set[Any]().union(*units))


def test_shards_are_about_as_large(suite: Suite) -> None:
    sizes = [sum(len(task.shots) for task in shard) for shard in cut(plan(suite), 3)]
    unit = max(2 * len(task.shots) for task in plan(suite))
    assert max(sizes) - min(sizes) <= 2 * unit


def test_nothing_to_do_is_no_shard() -> None:
    assert cut([], 2) == []


def test_workers_have_servers_and_rows_of_their_own_and_share_pictures(suite: Suite) -> None:
    places = Places("small", quick=True)
    one, two = (ShardPlaces(*astuple(places), shard=number) for number in (1, 2))
    assert len({places.server, one.server, two.server}) == 3
    assert len({places.database, one.database, two.database}) == 3
    task = plan(suite)[0]
    assert places.picture(task.origin, task.shots[0]) == two.picture(task.origin, task.shots[0])


def test_rows_of_workers_are_taken_over_once(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.harness.places.ENVIRONMENT", tmp_path)
    tasks = plan(suite)
    own = [ShardPlaces("small", shard=number) for number in (1, 2)]
    for place, part in zip(own, (tasks[:5], tasks[3:]), strict=True):
        fill(Rows(place.rows, place.database), part)
    rows = Rows(tmp_path / "small", tmp_path / "rows.db")
    take_over(rows, own)
    assert not any(place.database.exists() for place in own)
    assert rows.pictures == fill(InMemory(), tasks).pictures
    take_over(rows, own)
    assert len(rows.pictures) == sum(len(task.shots) for task in tasks)


def test_without_ray_the_command_to_install_it_is_named(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ShardingError, match=r"--ray: Ray is not installed.*requirements-ray.txt"):
        run_sharded(suite, [], InMemory(), Places("small", quick=True), 2)


def test_two_workers_write_the_same_table_as_none() -> None:
    pytest.importorskip("ray", reason="an extra: workbench/requirements-ray.txt")
    tables = [quick_rows(), quick_rows("--ray", "2")]
    assert tables[0] == tables[1]


def quick_rows(*arguments: str) -> object:
    """What judges said in a quick run of suite stability."""
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "stability", "--quick"]
    process = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    places = Places("stability", quick=True)
    return {key: one.values for key, one in Rows(places.rows, places.database).pictures.items()}
