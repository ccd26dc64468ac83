"""Hostile files: each gives one clear error and nothing else is touched. Writes are whole."""

import json
import os
import pickle
import secrets
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import mask, profile

from fia_core import ConceptProfile, FIAFileError, NeuronMask
from fia_core.files.compression import byte_planes, deflate, from_byte_planes, inflate
from fia_core.files.safetensors_file import MAX_HEADER_BYTES, file_bytes
from fia_core.mask import MASK_SCHEMA

Kind = type[ConceptProfile] | type[NeuronMask]
KINDS: tuple[Kind, ...] = (ConceptProfile, NeuronMask)
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def saved(kind: Kind, folder: Path) -> Path:
    """A good file of this kind."""
    path = folder / "good.safetensors"
    (profile() if kind is ConceptProfile else mask()).save(path)
    return path


def parts(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """JSON object and unpacked tensors of a good file."""
    with safetensors.safe_open(path, "pt") as file:
        text = file.metadata()["forget_it_all"]
    streams = safetensors.torch.load_file(path)
    return json.loads(text), {name: inflate(stream, 2**20) for name, stream in streams.items()}


def craft(path: Path, content: object, tensors: dict[str, torch.Tensor]) -> Path:
    """A safetensors file with any JSON value (or text) and any uint8 tensors, deflated."""
    return craft_plain(path, content, {name: deflate(one) for name, one in tensors.items()})


def craft_plain(path: Path, content: object, tensors: dict[str, torch.Tensor]) -> Path:
    """A file with any tensors as they are."""
    text = content if isinstance(content, str) else json.dumps(content)
    safetensors.torch.save_file(tensors, path, {"forget_it_all": text})
    return path


def assert_refused(kind: Kind, path: Path, complaint: str = "this is no") -> None:
    """One error that names the file, the fault and the mend; the folder stays as it was."""
    before = {file: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    title = "concept profile" if kind is ConceptProfile else "neuron mask"
    with pytest.raises(FIAFileError, match=complaint) as caught:
        kind.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: this is no {title} that can be used (")
    assert f"choose a {title} file" in message
    assert {file: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before


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
@given(position=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
@same_folder
def test_a_changed_byte_is_refused_or_gives_a_valid_value(
    kind: Kind, tmp_path: Path, position: float, value: int
) -> None:
    data = bytearray(saved(kind, tmp_path).read_bytes())
    data[int(position * len(data))] = value
    (tmp_path / "changed.safetensors").write_bytes(data)
    try:
        read = kind.load(tmp_path / "changed.safetensors")
    except FIAFileError as error:
        assert "changed.safetensors" in str(error)
    else:
        read.save(tmp_path / "again.safetensors")
        kind.load(tmp_path / "again.safetensors")


@given(data=st.binary(max_size=200))
@same_folder
def test_random_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "random.safetensors"
    path.write_bytes(data)
    assert_refused(NeuronMask, path)
    path.write_bytes(len(data).to_bytes(8, "little") + data)
    assert_refused(NeuronMask, path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), value=json_values)
@same_folder
def test_a_wrong_value_in_any_field_is_refused_or_valid(
    kind: Kind, tmp_path: Path, data: st.DataObject, value: object
) -> None:
    content, tensors = parts(saved(kind, tmp_path))
    place: Any = content
    key = data.draw(st.sampled_from(sorted(content)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
    place[key] = value
    path = craft(tmp_path / "wrong.safetensors", content, tensors)
    try:
        kind.load(path)
    except FIAFileError as error:
        assert "wrong.safetensors" in str(error)


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


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Mine:
        def __reduce__(self) -> tuple[Callable, tuple]:
            return (tmp_path.joinpath("run").touch, ())

    path = tmp_path / "pickle.safetensors"
    path.write_bytes(pickle.dumps(Mine()))
    assert_refused(NeuronMask, path)
    assert not (tmp_path / "run").exists()


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    path = saved(NeuronMask, tmp_path)
    os.truncate(path, MASK_SCHEMA.max_bytes + 1)
    assert_refused(NeuronMask, path, "more than the 1,073,741,824 allowed")


@pytest.mark.parametrize("length", [0, MAX_HEADER_BYTES + 1, 2**63, 2**64 - 1])
def test_a_huge_or_empty_header_is_refused(tmp_path: Path, length: int) -> None:
    path = saved(NeuronMask, tmp_path)
    data = path.read_bytes()
    path.write_bytes(length.to_bytes(8, "little") + data[8:])
    os.truncate(path, MAX_HEADER_BYTES + 1000)
    assert_refused(NeuronMask, path, "its header of .* bytes is too long")


def test_an_entry_of_the_header_that_is_no_tensor_is_refused(tmp_path: Path) -> None:
    path = saved(NeuronMask, tmp_path)
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]) | {"extra": 3}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[end:])
    assert_refused(NeuronMask, path, "tensors: 'extra' is not of dtype U8")


def test_a_header_that_is_cut_off_is_refused_unparsed(tmp_path: Path) -> None:
    path = tmp_path / "header.safetensors"
    path.write_bytes((3).to_bytes(8, "little") + b"{}")
    assert_refused(NeuronMask, path, "its header of 3 bytes is too long, or cut off")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "null", '{"__metadata__": 1}', "{"])
def test_a_header_that_is_no_header_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "header.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text.encode())
    assert_refused(NeuronMask, path)


@pytest.mark.parametrize(
    "metadata", [None, {"note": "x"}, {"forget_it_all": "{}", "note": "x"}, {"forget_it_all": "{}"}]
)
def test_other_metadata_is_refused(tmp_path: Path, metadata: dict | None) -> None:
    _, tensors = parts(saved(NeuronMask, tmp_path))
    path = tmp_path / "metadata.safetensors"
    safetensors.torch.save_file(tensors, path, metadata)
    assert_refused(NeuronMask, path, "metadata: |its schema is None")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda content: content.update(schema="fia.other"), "its schema is 'fia.other'"),
        (lambda content: content.update(version=3), "version 3, not"),
        (lambda content: content.update(version=True), "version True, not"),
        (lambda content: content.update(version="1"), "version '1', not"),
        (lambda content: content.pop("model"), "content: has the fields"),
        (lambda content: content.update(note=1), "content: has the fields"),
        (lambda content: content.update(concepts="church"), "content.concepts: is str, not list"),
        (lambda content: content.update(concepts=[]), "concepts: is "),
        (lambda content: content.update(concepts=[3]), "concepts: has 3"),
        (lambda content: content["settings"].update(r=[1]), r"settings: r is \[1\]"),
        (lambda content: content["settings"].update(r=float("nan")), "NaN is no JSON number"),
        (lambda content: content["model"].update(note=""), "model: has the fields"),
        (lambda content: content["model"].update(architecture=""), "architecture: is ''"),
        (lambda content: content["model"].update(fingerprint=7), "model.fingerprint: is int"),
        (lambda content: content["layers"].clear(), "tensors: unknown"),
        (lambda content: content["layers"].append(content["layers"][0]), "twice"),
        (lambda content: content["layers"][0].update(name="other"), "tensors: unknown"),
        (lambda content: content["layers"][0].update(pruned=True), "pruned: is bool, not int"),
        (lambda content: content["layers"][0].update(pruned=0), "has pruned 0, its tensor"),
        (lambda content: content["layers"][0].update(shape=[6]), "has shape"),
        (lambda content: content["layers"][0].update(shape=[6, -4]), "has shape"),
        (lambda content: content["layers"][0].update(shape=[6.0, 24]), "has shape"),
        (lambda content: content["layers"][0].update(shape=[6, 10**30]), "packed: is"),
        (lambda content: content["layers"].insert(0, 3), "layers: is int, not an object"),
    ],
)
def test_wrong_content_is_refused(tmp_path: Path, change: Callable, complaint: str) -> None:
    content, tensors = parts(saved(NeuronMask, tmp_path))
    change(content)
    path = craft(tmp_path / "content.safetensors", content, tensors)
    assert_refused(NeuronMask, path, complaint)


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "null", "1e999", '{"a": 1, "a": 2}'])
def test_content_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    _, tensors = parts(saved(NeuronMask, tmp_path))
    assert_refused(NeuronMask, craft(tmp_path / "content.safetensors", content, tensors))


def test_a_field_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """Another reader might take the other one."""
    content, tensors = parts(saved(NeuronMask, tmp_path))
    twice = f'{{"concepts": ["tench"], {json.dumps(content)[1:]}'
    path = craft(tmp_path / "twice.safetensors", twice, tensors)
    assert_refused(NeuronMask, path, "a field comes twice")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda stream: stream.to(torch.int64), "is not of dtype U8"),
        (lambda stream: stream.to(torch.float8_e5m2), "is not of dtype U8"),
        (lambda stream: stream.float(), "is not of dtype U8"),
        (lambda stream: stream[:-1].clone(), "it is cut off, or there is something after"),
        (lambda stream: torch.cat([stream, stream]), "it is cut off, or there is something after"),
        (lambda stream: stream ^ 255, "it does not unpack: "),
        (lambda stream: stream[:0], "it is cut off"),
        (lambda stream: deflate(torch.zeros(17, dtype=torch.uint8)), r"packed: is .* \(17,\)"),
        (lambda stream: deflate(inflate(stream, 18) ^ 255), "has pruned"),
    ],
)
def test_wrong_tensors_are_refused(tmp_path: Path, change: Callable, complaint: str) -> None:
    content, tensors = parts(saved(NeuronMask, tmp_path))
    streams = {name: deflate(tensor) for name, tensor in tensors.items()}
    name = content["layers"][0]["name"] + ".pruned"
    path = tmp_path / "tensors.safetensors"
    craft_plain(path, content, streams | {name: change(streams[name])})
    assert_refused(NeuronMask, path, complaint)


def test_a_tensor_that_unpacks_to_too_much_is_refused_early(tmp_path: Path) -> None:
    content, tensors = parts(saved(NeuronMask, tmp_path))
    name = content["layers"][0]["name"] + ".pruned"
    tensors[name] = torch.zeros(2**23, dtype=torch.uint8)
    data = craft(tmp_path / "bomb.safetensors", content, tensors).read_bytes()
    assert len(data) < 2**16
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"it unpacks to more than the \d+ bytes allowed"):
        NeuronMask.from_bytes(data, max_bytes=100)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_tensors_that_unpack_to_too_much_together_are_refused(tmp_path: Path) -> None:
    data = saved(NeuronMask, tmp_path).read_bytes()
    _, tensors = parts(tmp_path / "good.safetensors")
    together = sum(tensor.numel() for tensor in tensors.values())
    assert len(tensors) > 1
    NeuronMask.from_bytes(data, max_bytes=together)
    with pytest.raises(ValueError, match=r"^tensors: '.+\.pruned': it unpacks to more than"):
        NeuronMask.from_bytes(data, max_bytes=together - 1)


def test_masks_of_the_first_version_are_read(tmp_path: Path) -> None:
    content, tensors = parts(saved(NeuronMask, tmp_path))
    assert content["version"] == 2
    path = craft_plain(tmp_path / "first.safetensors", content | {"version": 1}, tensors)
    for name, layer in mask().layers.items():
        assert torch.equal(NeuronMask.load(path).layers[name], layer)


def test_spare_bits_and_extra_and_missing_tensors_are_refused(tmp_path: Path) -> None:
    content, tensors = parts(saved(NeuronMask, tmp_path))
    path = tmp_path / "tensors.safetensors"
    name = content["layers"][1]["name"] + ".pruned"  # 165 weights: 3 spare bits
    spare = tensors[name].clone()
    spare[-1] |= 128
    craft(path, content, tensors | {name: spare})
    assert_refused(NeuronMask, path, "has a bit set beyond its 165 entries")
    craft(path, content, tensors | {"extra": spare})
    assert_refused(NeuronMask, path, r"tensors: unknown \['extra'\]")
    del tensors[name]
    craft(path, content, tensors)
    assert_refused(NeuronMask, path, f"missing .'{name}'")


@pytest.mark.parametrize("value", [0.0, -1.0, torch.nan, torch.inf])
def test_a_profile_with_impossible_sensitivity_is_refused(tmp_path: Path, value: float) -> None:
    content, tensors = parts(saved(ConceptProfile, tmp_path))
    name = content["layers"][0]["name"] + ".values"
    values = from_byte_planes(tensors[name])
    values[3] = value
    tensors[name] = byte_planes(values)
    path = tmp_path / "values.safetensors"
    craft(path, content, tensors)
    assert_refused(ConceptProfile, path, "values: has one that is not above 0 and finite")


def test_a_profile_whose_count_is_not_its_tensors_is_refused(tmp_path: Path) -> None:
    content, tensors = parts(saved(ConceptProfile, tmp_path))
    content["layers"][0]["kept"] += 1
    path = craft(tmp_path / "count.safetensors", content, tensors)
    assert_refused(ConceptProfile, path, f"has kept {content['layers'][0]['kept']}, its tensor")


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
