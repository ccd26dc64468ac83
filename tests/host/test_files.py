"""Save and Load Neuron Mask in the real host: its folders, its list, hostile files."""

import os
import shutil
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from graphs import Graph, GraphError
from safetensors.torch import save_file


def save(host: Any, mask: Any, prefix: str) -> str:
    """Run Save Neuron Mask; the new file's name as the node tells it."""
    host.forget()
    (name,) = host.run(save_graph(host, mask, prefix), "save")
    return name


def save_graph(host: Any, mask: Any, prefix: str) -> Graph:
    return {
        "mask": host.source(mask),
        "save": {
            "class_type": "FIASaveNeuronMask",
            "inputs": {"mask": ["mask", 0], "filename_prefix": prefix},
        },
    }


def load(host: Any, name: str) -> Any:
    """Run Load Neuron Mask."""
    graph = {"load": {"class_type": "FIALoadNeuronMask", "inputs": {"mask_file": name}}}
    return host.run(graph, "load")[0]


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
    list_mask_files = extension.module("nodes.host.folders").list_mask_files
    assert list_mask_files() == ["church_00001_.safetensors"]
    shutil.rmtree(folder)
    assert list_mask_files() == []
    folder.mkdir()


def test_nothing_is_overwritten(host: Any, folder: Path, mask: Any) -> None:
    names = [save(host, mask, "church") for _ in range(3)]
    assert names == [f"church_0000{number}_.safetensors" for number in (1, 2, 3)]


def test_two_servers_never_take_the_same_number(extension: Any, folder: Path, mask: Any) -> None:
    new_mask_file = extension.module("nodes.host.folders").new_mask_file
    with new_mask_file("church") as (first, _), new_mask_file("church") as (second, _):
        assert first != second
        assert not first.exists() and not second.exists(), "nothing empty is listed"
        mask.save(first)
        mask.save(second)
    with pytest.raises(KeyError), new_mask_file("church"):
        raise KeyError("made while the mask is written")
    assert sorted(folder.iterdir()) == sorted([first, second])


def test_a_file_is_at_most_a_bit_a_weight(host: Any, folder: Path, mask: Any) -> None:
    path = folder / save(host, mask, "church")
    header = int.from_bytes(path.read_bytes()[:8], "little")
    assert path.stat().st_size - 8 - header <= mask.weights / 8 + len(mask.layers)


@pytest.mark.parametrize("prefix", ["../mask", "/tmp/mask", "a/../../mask"])
def test_a_path_outside_the_folder_is_refused(
    host: Any, folder: Path, mask: Any, prefix: str
) -> None:
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(GraphError, match=r"filename_prefix: .* leads out of"):
        save(host, mask, prefix)
    assert sorted(folder.parent.rglob("*")) == before


def test_a_link_out_of_the_folder_is_refused(
    host: Any, folder: Path, mask: Any, tmp_path: Path
) -> None:
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(GraphError, match="leads out of"):
        save(host, mask, "link/mask")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("prefix", ["", ".", ".."])
def test_a_prefix_without_a_name_is_refused(
    host: Any, folder: Path, mask: Any, prefix: str
) -> None:
    with pytest.raises(GraphError, match="filename_prefix"):
        save(host, mask, prefix)


def test_the_fingerprint_is_the_files_hash(
    host: Any, extension: Any, folder: Path, mask: Any
) -> None:
    fingerprint = extension.node("FIALoadNeuronMask").fingerprint_inputs
    one, two = save(host, mask, "church"), save(host, mask, "church")
    assert fingerprint(one) == fingerprint(two)
    (folder / two).write_bytes(b"other")
    assert fingerprint(one) != fingerprint(two)


def test_a_replaced_file_is_read_again(host: Any, folder: Path, mask: Any) -> None:
    name = save(host, mask, "church")
    first = load(host, name)
    assert load(host, name) is first
    other = type(mask)(
        {layer: ~pruned for layer, pruned in mask.layers.items()},
        mask.model,
        mask.concepts,
        mask.settings,
        mask.provenance,
    )
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


def truncated(path: Path, mask: Any) -> None:
    mask.save(path)
    path.write_bytes(path.read_bytes()[:-100])


def renamed(path: Path, mask: Any) -> None:
    """A LoRA under a mask's name."""
    save_file({"lora_unet.lora_up.weight": torch.zeros(2, 2)}, path)


def oversized(path: Path, mask: Any) -> None:
    """Larger than any mask; sparse, so that it takes no room."""
    mask.save(path)
    os.truncate(path, 1 << 40)


def wrong_typed(path: Path, mask: Any) -> None:
    mask.save(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"dtype":"U8"', b'"dtype":"I8"'))
    assert path.read_bytes() != data


def a_profile(path: Path, mask: Any) -> None:
    """The extension's other kind of file."""
    mask.save(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"fia.neuron_mask", b"fia.neuron_musk"))


def a_pickle(path: Path, mask: Any) -> None:
    torch.save({"layers": {}}, path)


@pytest.mark.parametrize("spoil", [truncated, renamed, oversized, wrong_typed, a_profile, a_pickle])
def test_a_wrong_file_gives_one_clear_error(host: Any, folder: Path, mask: Any, spoil: Any) -> None:
    spoil(folder / "wrong.safetensors", mask)
    with pytest.raises(GraphError, match=r"wrong\.safetensors.*neuron mask"):
        load(host, "wrong.safetensors")
