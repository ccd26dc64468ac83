"""Save and Load Neuron Mask in the real host: its folders, its list, hostile files."""

import asyncio
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import folder_paths
import pytest
import torch
from graphs import Graph, GraphError, node
from safetensors.torch import save_file


def save(host: Any, mask: Any, prefix: str) -> str:
    """Run Save Neuron Mask; the new file's name as the node tells it."""
    (name,) = host.run_node("FIASaveNeuronMask", mask=mask, filename_prefix=prefix)
    return name


def load_graph(name: str) -> Graph:
    return {"load": node("FIALoadNeuronMask", mask_file=name)}


def load(host: Any, name: str) -> Any:
    """Run Load Neuron Mask."""
    return host.run(load_graph(name), "load")[0]


def test_the_folder_is_one_of_the_hosts_model_folders(folder: Path) -> None:
    assert folder == Path(folder_paths.models_dir) / "neuron_masks"


def test_a_saved_mask_is_listed_and_loads_again(
    host: Any, extension: Any, folder: Path, mask: Any
) -> None:
    name = save(host, mask, "objects/church")
    assert name == os.path.join("objects", "church_00001_.safetensors")
    info = extension.node("FIALoadNeuronMask").GET_NODE_INFO_V1()
    assert info["input"]["optional"]["mask_file"][1]["options"] == [name]
    loaded = load(host, name)
    assert (loaded.concepts, loaded.model) == (mask.concepts, mask.model)
    for layer, pruned in mask.layers.items():
        assert torch.equal(loaded.layers[layer], pruned)


def test_the_loader_outlives_the_folder(host: Any, extension: Any, folder: Path, mask: Any) -> None:
    save(host, mask, "church")
    list_mask_files = extension.module("nodes.host.files.mask_folder").list_mask_files
    assert list_mask_files() == ["church_00001_.safetensors"]
    shutil.rmtree(folder)
    assert list_mask_files() == []
    folder.mkdir()


def test_nothing_is_overwritten(host: Any, folder: Path, mask: Any) -> None:
    names = [save(host, mask, "church") for _ in range(3)]
    assert names == [f"church_0000{number}_.safetensors" for number in (1, 2, 3)]


def test_two_servers_never_take_the_same_number(extension: Any, folder: Path, mask: Any) -> None:
    new_file = extension.module("nodes.host.files.new_file").new_file
    at = (str(folder), "church")
    with new_file(*at) as (first, _), new_file(*at) as (second, _):
        assert first != second
        assert not first.exists() and not second.exists(), "nothing empty is listed"
        mask.save(first)
        mask.save(second)
    with pytest.raises(KeyError), new_file(*at):
        raise KeyError("made while the mask is written")
    assert sorted(folder.iterdir()) == sorted([first, second])


def test_a_link_to_a_drive_that_is_away_is_not_replaced(extension: Any, folder: Path) -> None:
    link = folder / "mask.safetensors"
    link.symlink_to("/away/mask.safetensors")
    reserved = extension.module("nodes.host.files.new_file").reserved
    with reserved([link, folder / "other.safetensors"]) as path:
        assert path.name == "other.safetensors"
    sent = folder / "sent"
    sent.write_bytes(b"mask")
    name = extension.module("nodes.host.files.uploads").move_in_place(sent, "mask")
    assert name == "mask (1).safetensors" and link.is_symlink()


def test_a_name_that_cannot_be_let_go_loses_no_mask(
    host: Any, folder: Path, mask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a virus scanner may hold the hidden file that stands for the name."""
    unlink = Path.unlink

    def held(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith(".safetensors.tmp"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    name = save(host, mask, "church")
    monkeypatch.undo()
    assert (folder / name).stat().st_size > 0


def test_a_link_to_a_mask_elsewhere_is_read(
    host: Any, folder: Path, mask: Any, tmp_path: Path
) -> None:
    mask.save(tmp_path / "elsewhere.safetensors")
    (folder / "link.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    assert load(host, "link.safetensors").concepts == mask.concepts


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("../mask", "leads out of"),
        ("/tmp/mask", "leads out of"),
        ("a/../../mask", "leads out of"),
        ("link/mask", "leads out of"),
        ("file/mask", "nothing can be written in .*file"),
        ("", ""),
        (".", ""),
        ("..", ""),
        ("a\0b/mask", "names no file"),
    ],
)
def test_a_place_that_is_none_in_the_folder_is_refused(
    host: Any, folder: Path, mask: Any, tmp_path: Path, prefix: str, words: str
) -> None:
    (folder / "link").symlink_to(tmp_path)
    (folder / "file").touch()
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(GraphError, match=f"filename_prefix: .*{words}"):
        save(host, mask, prefix)
    assert sorted(folder.parent.rglob("*")) == before
    assert not list(tmp_path.iterdir())


def test_a_folder_without_the_right_to_write_is_named(
    host: Any, extension: Any, folder: Path, mask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(sign: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(extension.module("nodes.host.files.new_file"), "_made", refuse)
    with pytest.raises(GraphError, match=rf"filename_prefix: .*{folder}/? \(Permission denied\)"):
        save(host, mask, "church")
    assert not list(folder.iterdir())


def test_the_fingerprint_is_the_files_hash(
    host: Any, extension: Any, folder: Path, mask: Any
) -> None:
    fingerprint = extension.node("FIALoadNeuronMask").fingerprint_inputs
    one, two = save(host, mask, "church"), save(host, mask, "church")
    assert fingerprint(one) == fingerprint(two)
    (folder / two).write_bytes(b"other")
    assert fingerprint(one) != fingerprint(two)


def test_a_missing_file_has_no_fingerprint(extension: Any, folder: Path) -> None:
    fingerprint = extension.node("FIALoadNeuronMask").fingerprint_inputs
    assert fingerprint("gone.safetensors") == fingerprint("../gone.safetensors") == ""


def test_a_replaced_file_is_read_again(host: Any, folder: Path, mask: Any) -> None:
    name = save(host, mask, "church")
    first = load(host, name)
    assert load(host, name) is first
    other = replace(mask, layers={layer: ~pruned for layer, pruned in mask.layers.items()})
    other.save(folder / name)
    assert load(host, name).count == other.count


def test_a_missing_file_is_named(host: Any, extension: Any, folder: Path) -> None:
    with pytest.raises(GraphError, match=r"gone\.safetensors"):
        load(host, "gone.safetensors")
    with pytest.raises(ValueError, match=r"mask_file: .*gone\.safetensors.*neuron_masks"):
        extension.node("FIALoadNeuronMask").execute("gone.safetensors")


def test_a_file_outside_the_folder_is_not_read(
    host: Any, extension: Any, folder: Path, mask: Any
) -> None:
    mask.save(folder.parent / "outside.safetensors")
    with pytest.raises(GraphError, match="mask_file"):
        load(host, "../outside.safetensors")
    with pytest.raises(ValueError, match="mask_file"):
        extension.node("FIALoadNeuronMask").execute("../outside.safetensors")


def test_a_wrong_file_gives_one_clear_error(host: Any, folder: Path) -> None:
    """A LoRA under a mask's name; the core's tests have all other faults."""
    save_file({"lora_unet.lora_up.weight": torch.zeros(2, 2)}, folder / "wrong.safetensors")
    with pytest.raises(GraphError, match=r"wrong\.safetensors.*neuron mask"):
        load(host, "wrong.safetensors")


def test_a_file_too_large_for_a_mask_is_not_hashed(
    extension: Any, folder: Path, mask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.files.mask_folder")
    mask.save(folder / "mask.safetensors")
    schema = replace(module.MASK_SCHEMA, max_bytes=(folder / "mask.safetensors").stat().st_size - 1)
    monkeypatch.setattr(module, "MASK_SCHEMA", schema)
    assert module.mask_fingerprint("mask.safetensors") == f"{schema.max_bytes + 1} bytes"


def test_what_another_server_sweeps_away_first_stops_no_sweep(
    extension: Any, tmp_path: Path
) -> None:
    old = tmp_path / ".fia-2.tmp"
    old.touch()
    os.utime(old, (0, 0))
    for name in (".fia-1.tmp", ".fia-3.tmp"):  # listed, and not there to be looked at
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
    extension.module("nodes.host.files.new_file").sweep(tmp_path)
    assert not old.exists()


def test_an_upload_takes_no_name_that_another_server_is_writing(
    extension: Any, tmp_path: Path
) -> None:
    uploads = extension.module("nodes.host.files.uploads")
    reserved = extension.module("nodes.host.files.new_file").reserved
    sent = tmp_path / ".sent.upload"
    sent.write_bytes(b"mask")
    with reserved(iter([tmp_path / "m.safetensors"])) as other:
        assert uploads.move_in_place(sent, "m") == "m (1).safetensors"
        other.write_bytes(b"other")
    assert (tmp_path / "m (1).safetensors").read_bytes() == b"mask"
    assert other.read_bytes() == b"other"


def test_files_of_one_size_and_time_are_told_apart_by_their_content(
    extension: Any, tmp_path: Path
) -> None:
    sent, stored = tmp_path / ".sent.upload", tmp_path / "m.safetensors"
    for file, content in ((sent, b"one"), (stored, b"two")):
        file.write_bytes(content)
        os.utime(file, (1, 1))
    move_in_place = extension.module("nodes.host.files.uploads").move_in_place
    assert move_in_place(sent, "m") == "m (1).safetensors"
    assert (tmp_path / "m (1).safetensors").read_bytes() == b"one"


def test_an_upload_is_no_larger_than_a_mask_whatever_the_host_allows(
    extension: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blocks(size: int) -> AsyncIterator[bytes]:
        for _ in range(11):
            yield bytes(10)

    routes = extension.module("nodes.routes")
    monkeypatch.setattr(routes, "MASK_SCHEMA", replace(routes.MASK_SCHEMA, max_bytes=100))
    request = SimpleNamespace(
        query={"name": "m"}, client_max_size=1000, content=SimpleNamespace(iter_chunked=blocks)
    )
    with pytest.raises(routes.TooLargeError, match="more than the 100 bytes"):
        asyncio.run(routes.upload(request))
    assert not list(folder.iterdir())


def test_masks_are_read_one_at_a_time(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask in memory takes eight times its file, whoever asks."""
    routes = extension.module("nodes.routes")
    monkeypatch.setattr(routes, "_one_at_a_time", asyncio.Lock())
    reading, most = 0, 0

    def read() -> None:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        time.sleep(0.02)
        reading -= 1

    async def requests() -> None:
        await asyncio.gather(*(routes._in_turn(read) for _ in range(4)))

    asyncio.run(requests())
    assert most == 1
