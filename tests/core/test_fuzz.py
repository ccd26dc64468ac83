"""Hostile files and texts at every reader, some of each; more with ``FIA_FUZZ_CASES``."""

import json
import os
import pickle
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fia_core import NeuronMask
from fia_core.files.layer_records import MAX_LAYERS
from fia_core.mask import MASK_SCHEMA
from fia_core.mask_text import embed_mask
from fia_core.reports.inspection import inspect_mask
from fuzzing.files import ANY_SIZE, hostile
from fuzzing.guard import Guard, GuardError
from fuzzing.layout import content_of, joined, with_content
from fuzzing.readers import READERS, good_files, good_mask, refusal
from fuzzing.spoilers import Marks

CASES = int(os.environ.get("FIA_FUZZ_CASES", "80"))
"""Of each reader."""

MOST_MEMORY = 200 * 2**20  # bytes; text that unpacks to too much is stopped early


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard()


@contextmanager
def little_memory() -> Iterator[None]:
    """The test fails where Python and numpy take much memory at once."""
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MOST_MEMORY


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, ...]]:
    return good_files(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize("title", READERS)
@given(data=st.data())
@settings(
    max_examples=CASES, suppress_health_check=(*ANY_SIZE, HealthCheck.function_scoped_fixture)
)
def test_a_hostile_file_gives_a_value_or_one_error(
    title: str,
    tmp_path: Path,
    good: dict[str, tuple[bytes, ...]],
    guard: Guard,
    data: st.DataObject,
) -> None:
    mark = tmp_path / "pickle-was-run"
    file = tmp_path / "case.safetensors"
    file.write_bytes(data.draw(hostile(title, good, mark)))
    with little_memory():
        words = refusal(READERS[title], file, guard)
    assert words is None or words.startswith(("embedded: ", str(file)))
    assert not mark.exists()


@pytest.mark.parametrize("title", READERS)
def test_good_files_pass_the_guard(
    title: str, tmp_path: Path, good: dict[str, tuple[bytes, ...]], guard: Guard
) -> None:
    texts = good | {"embedded masks": (embed_mask(good_mask()).encode(),)}
    for text in texts[title]:
        file = tmp_path / "good.safetensors"
        file.write_bytes(text)
        assert refusal(READERS[title], file, guard) is None


def with_layers(count: int) -> bytes:
    """A mask's file with this many layers, each of one weight."""
    content = content_of(good_mask().to_bytes())
    content["version"] = MASK_SCHEMA.plain_version
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
