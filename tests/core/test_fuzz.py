"""Hostile files and texts at every reader, some of each; ``benchmarks/fuzz.py`` does more."""

import json
import pickle
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzzing.files import hostile
from benchmarks.fuzzing.guard import Guard, GuardError
from benchmarks.fuzzing.readers import READERS, good_mask, good_profile, refusal
from benchmarks.fuzzing.spoilers import Marks, content_of, joined, with_content
from fia_core import NeuronMask
from fia_core.embedding import embed_mask
from fia_core.inspection import inspect_mask
from fia_core.layers import MAX_LAYERS

CASES = 60
MOST_MEMORY = 200 * 2**20  # bytes; text that unpacks to too much is stopped at 64 MiB


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard()


@pytest.fixture
def peak() -> Iterator[None]:
    """The test fails where Python and numpy took much memory at once."""
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MOST_MEMORY


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A mask's file and a profile's."""
    profile = tmp_path_factory.mktemp("good") / "profile.safetensors"
    good_profile().save(profile)
    return good_mask().to_bytes(), profile.read_bytes()


@pytest.mark.parametrize("title", READERS)
@given(data=st.data())
@settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
def test_a_hostile_file_gives_a_value_or_one_error(
    title: str,
    tmp_path: Path,
    good: tuple[bytes, bytes],
    guard: Guard,
    peak: None,
    data: st.DataObject,
) -> None:
    mark = tmp_path / "pickle-was-run"
    file = tmp_path / "case.safetensors"
    file.write_bytes(data.draw(hostile(title, good, mark)))
    refusal(READERS[title], file, guard)
    assert not mark.exists()


@pytest.mark.parametrize("title", READERS)
def test_good_files_pass_the_guard(
    title: str, tmp_path: Path, good: tuple[bytes, bytes], guard: Guard
) -> None:
    mask, profile = good
    texts = {"mask files": mask, "profile files": profile}
    file = tmp_path / "good.safetensors"
    file.write_bytes(texts.get(title, embed_mask(good_mask()).encode()))
    assert refusal(READERS[title], file, guard) is None


def with_layers(count: int) -> bytes:
    """A mask's file with so many layers, each of one weight."""
    content = content_of(good_mask().to_bytes())
    content["layers"] = [{"name": f"{i}", "shape": [1, 1], "pruned": 0} for i in range(count)]
    header = {
        f"{i}.pruned": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]}
        for i in range(count)
    }
    return with_content(joined(header, bytes(count)), json.dumps(content))


def test_very_many_layers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^layers: has 10,001, more than the 10,000 allowed"):
        NeuronMask.from_bytes(with_layers(MAX_LAYERS + 1))


def test_the_time_of_an_inspection_grows_with_the_layers_and_no_faster() -> None:
    mask = NeuronMask.from_bytes(with_layers(MAX_LAYERS))
    start = time.perf_counter()
    inspect_mask(mask)
    assert time.perf_counter() - start < 10  # by their square it would be a minute and more


@pytest.mark.parametrize("reader", ["pickle", "another file", "a file written"])
def test_the_guard_notices(reader: str, tmp_path: Path, guard: Guard) -> None:
    file = tmp_path / "case.safetensors"
    file.write_bytes(pickle.dumps(Marks(str(tmp_path / "mark"))))
    acts = {
        "pickle": lambda path: pickle.loads(path.read_bytes()),
        "another file": lambda path: path.with_name("other").touch(),
        "a file written": lambda path: path.rename(path.with_name("other")),
    }
    with pytest.raises(GuardError):
        refusal(acts[reader], file, guard)
