"""A run by several workers: what waits for what, and that the table is the same."""

import sys
from typing import Any

import pytest
from conftest import asked

from benchmarks import cli
from benchmarks.harness.places import Places
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.sharding import ShardingError, cut, run_sharded, stages
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite


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


def test_a_method_prepares_a_group_in_one_shard(suite: Suite) -> None:
    """The base model prepares nothing: its two seeds are apart."""
    tasks = plan(suite)
    shards = cut(tasks)
    assert len(shards) == 2 * 3 + 2
    assert sorted((task for shard in shards for task in shard), key=tasks.index) == tasks
    assert cut([]) == []


def test_without_ray_the_command_to_install_it_is_named(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ShardingError, match=r"--ray: Ray is not installed.*requirements-ray.txt"):
        run_sharded(suite, [], Rows(), Places("small", quick=True), 2)


def test_two_workers_write_the_same_table_as_none() -> None:
    pytest.importorskip("ray", reason="an extra: workbench/requirements-ray.txt")
    assert quick_rows() == quick_rows("--ray", "2")


def quick_rows(*arguments: str) -> object:
    """The judges' values in a quick run of suite objects."""
    cli.run(asked("run", "objects", "--quick", *arguments))
    places = Places("objects", quick=True)
    return {key: one.values for key, one in Rows(places.rows, places.database).pictures.items()}
