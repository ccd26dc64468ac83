"""Hostile files and texts at every reader, some of each; ``benchmarks/fuzz.py`` does more."""

import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzzing.files import hostile
from benchmarks.fuzzing.guard import Guard, GuardError
from benchmarks.fuzzing.readers import READERS, good_mask, good_profile, refusal
from benchmarks.fuzzing.spoilers import Marks
from fia_core.embedding import embed_mask

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
