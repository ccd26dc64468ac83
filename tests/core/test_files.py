"""Hostile files: each gives one clear error and nothing else is touched. Writes are whole."""

import base64
import lzma
import os
import secrets
import subprocess
import sys
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from samples import mask, profile

from fia_core import ConceptProfile, FIAFileError, NeuronMask
from fia_core.files.compression import byte_planes, from_byte_planes
from fia_core.files.safetensors_file import MAX_HEADER_BYTES, file_bytes
from fia_core.mask import MASK_SCHEMA
from fia_core.mask_text import read_embedded_mask
from fuzzing.readers import good_mask
from fuzzing.wrong_masks import WRONG, content, stream, tensor

Kind = type[ConceptProfile] | type[NeuronMask]
KINDS: tuple[Kind, ...] = (ConceptProfile, NeuronMask)


def saved(kind: Kind, folder: Path) -> Path:
    """A good file of this kind."""
    path = folder / "good.safetensors"
    (profile() if kind is ConceptProfile else mask()).save(path)
    return path


def assert_refused(kind: Kind, path: Path, complaint: str = "") -> str:
    """One error that names the file, the fault and the mend; the folder stays as it was."""
    before = {file: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    title = "concept profile" if kind is ConceptProfile else "neuron mask"
    with pytest.raises(FIAFileError, match=complaint or None) as caught:
        kind.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: this is no {title} that can be used (")
    assert f"choose a {title} file" in message
    assert {file: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before
    return message


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_file_is_read(kind: Kind, tmp_path: Path) -> None:
    path = saved(kind, tmp_path)
    kind.load(path)
    kind.load(str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_kind_of_file_is_refused(kind: Kind, tmp_path: Path) -> None:
    other = NeuronMask if kind is ConceptProfile else ConceptProfile
    assert_refused(kind, saved(other, tmp_path), "its schema is 'fia")


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_is_refused(kind: Kind, tmp_path: Path) -> None:
    data = saved(kind, tmp_path).read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in (*range(0, len(data), 41), len(data) - 1):
        cut.write_bytes(data[:length])
        assert_refused(kind, cut)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_file_and_folder_and_pipe(kind: Kind, tmp_path: Path) -> None:
    assert_refused(kind, tmp_path / "none.safetensors", "there is no such file")
    (tmp_path / "folder.safetensors").mkdir()
    assert_refused(kind, tmp_path / "folder.safetensors", "it is no plain file")
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert_refused(kind, tmp_path / "pipe.safetensors", "it is no plain file")


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_that_is_none_is_refused(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(FIAFileError):
        kind.load(tmp_path / "zero\0.safetensors")


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    path = saved(NeuronMask, tmp_path)
    os.truncate(path, MASK_SCHEMA.max_bytes + 1)
    assert_refused(NeuronMask, path, "more than the 1,073,741,824 allowed")


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_mask_is_refused_as_a_file_and_as_text(tmp_path: Path, number: int) -> None:
    """Both go through the same reader."""
    spoil, complaint = WRONG[number]
    data = spoil(good_mask().to_bytes())
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(data)
    message = assert_refused(NeuronMask, path, complaint)
    reason = message.split("(", 1)[1].rsplit(");", 1)[0]
    text = base64.b64encode(lzma.compress(data, preset=0)).decode()
    with pytest.raises(FIAFileError) as caught:
        read_embedded_mask(text)
    assert f"({reason});" in str(caught.value)


def test_a_tensor_that_unpacks_to_too_much_is_refused_early() -> None:
    data = tensor(lambda bits: bytes(2**23))(mask().to_bytes())
    assert len(data) < 2**16
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"it unpacks to more than the \d+ bytes allowed"):
        NeuronMask.from_bytes(data, max_bytes=100)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_tensors_that_unpack_to_too_much_together_are_refused() -> None:
    one = mask()
    together = sum(packed.numel() for packed in one.bits.packed.values())
    assert len(one.layers) > 1
    NeuronMask.from_bytes(one.to_bytes(), max_bytes=together)
    with pytest.raises(ValueError, match=r"^tensors: '.+\.pruned': it unpacks to more than"):
        NeuronMask.from_bytes(one.to_bytes(), max_bytes=together - 1)


def test_masks_of_the_first_version_are_read() -> None:
    data = content(lambda c: c.update(version=1))(mask().to_bytes())
    for number in range(len(mask().layers)):
        data = stream(zlib.decompress, number)(data)
    read = NeuronMask.from_bytes(data)
    for name, layer in mask().layers.items():
        assert torch.equal(read.layers[name], layer)


@pytest.mark.parametrize("value", [0.0, -1.0, torch.nan, torch.inf])
def test_a_profile_with_impossible_sensitivity_is_refused(tmp_path: Path, value: float) -> None:
    def spoil(planes: bytes) -> bytes:
        values = from_byte_planes(torch.frombuffer(bytearray(planes), dtype=torch.uint8))
        values[3] = value
        return byte_planes(values).numpy().tobytes()

    path = saved(ConceptProfile, tmp_path)
    path.write_bytes(tensor(spoil, number=1)(path.read_bytes()))
    assert_refused(ConceptProfile, path, "values: has one that is not above 0 and finite")


def test_a_profile_whose_count_is_not_its_tensors_is_refused(tmp_path: Path) -> None:
    path = saved(ConceptProfile, tmp_path)
    path.write_bytes(content(lambda c: c["layers"][0].update(kept=1))(path.read_bytes()))
    assert_refused(ConceptProfile, path, "has kept 1, its tensor")


def test_overwriting_replaces_the_whole_file(tmp_path: Path) -> None:
    path = saved(NeuronMask, tmp_path)
    mask("tench", 1).save(path)
    assert NeuronMask.load(path).concepts == ("tench",)
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_file_still_reads_it_whole(tmp_path: Path) -> None:
    path = saved(NeuronMask, tmp_path)
    before = path.read_bytes()
    with open(path, "rb") as reader:
        mask("tench", 1).save(path)
        assert reader.read() == before


def test_the_bytes_are_on_the_disk_before_the_name_is_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave a name without its bytes."""
    done: list[str | int] = []
    sync, move = os.fsync, os.replace

    def note_sync(file: int) -> None:
        done.append(os.fstat(file).st_size)
        sync(file)

    def note_move(source: Path, target: Path) -> None:
        done.append("moved")
        move(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_move)
    path = saved(NeuronMask, tmp_path)
    assert done == [path.stat().st_size, "moved"]


def test_nothing_is_written_through_a_link_that_has_the_temporary_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "taken")
    other = tmp_path / "other"
    other.write_text("as it was")
    (tmp_path / ".fia-taken.tmp").symlink_to(other)
    with pytest.raises(FIAFileError, match="this neuron mask cannot be written"):
        mask().save(tmp_path / "mask.safetensors")
    assert other.read_text() == "as it was"


WRITE_TOO_MUCH = """
import resource, sys
from dataclasses import replace
from fia_core import FIAFileError, NeuronMask

mask = NeuronMask.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    replace(mask, concepts=("tench",)).save(sys.argv[1])
except FIAFileError as error:
    print(error)
"""


def test_a_write_that_fails_half_way_leaves_the_old_file_whole(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = saved(NeuronMask, tmp_path)
    before = path.read_bytes()
    assert len(before) > 500
    command = [sys.executable, "-c", WRITE_TOO_MUCH, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.startswith(f"{path}: this neuron mask cannot be written (File too large)")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "folder.safetensors"
    (folder / "inner").mkdir(parents=True)
    file = tmp_path / "file"
    file.touch()
    for path in (
        folder,
        tmp_path / "none" / "mask.safetensors",
        file / "mask.safetensors",
        tmp_path / f"{'x' * 300}.tmp",
    ):
        with pytest.raises(FIAFileError, match="this neuron mask cannot be written") as caught:
            mask().save(path)
        assert str(path) in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [file, folder]
    assert list(folder.iterdir()) == [folder / "inner"]


def test_more_text_than_a_header_holds_is_refused_at_once(tmp_path: Path) -> None:
    long = replace(mask(), provenance={"note": "x" * MAX_HEADER_BYTES})
    with pytest.raises(ValueError, match=r"^content: has 16,777,"):
        long.save(tmp_path / "long.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_json_lacks_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        file_bytes(MASK_SCHEMA, {"r": float("nan")}, {})
