"""The mask: one bit a weight on disk, every field checked."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import SHAPES, mask, seeds

from fia_core import ModelIdentity, NeuronMask
from fia_core.files.bits import pack_bits, unpack_bits


@given(seeds, st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_bits_round_trip(seed: int, shape: list[int]) -> None:
    bits = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    packed = pack_bits(bits)
    assert packed.dtype == torch.uint8
    assert packed.numel() == -(-bits.numel() // 8)
    assert torch.equal(unpack_bits(packed, shape), bits)


def test_the_first_entry_is_the_lowest_bit() -> None:
    bits = torch.tensor([[True, False, False], [False, True, False], [False, False, True]])
    assert pack_bits(bits).tolist() == [0b00010001, 0b1]


@given(seeds, st.floats(0, 1), st.text(min_size=1).filter(str.strip))
def test_file_round_trip(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float, concept: str
) -> None:
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    saved = mask(concept, seed, share=share)
    saved.save(path)
    loaded = NeuronMask.load(path)
    for field in ("model", "concepts", "settings", "provenance", "shapes", "count", "weights"):
        assert getattr(loaded, field) == getattr(saved, field)
    assert list(loaded.layers) == list(saved.layers)
    for name, layer in saved.layers.items():
        assert loaded.layers[name].dtype == torch.bool
        assert torch.equal(loaded.layers[name], layer)


def test_it_says_what_it_takes_in_memory() -> None:
    held = sum(-(-c_out * c_in // 8) for c_out, c_in in SHAPES.values())
    assert sum(tensor.nbytes for tensor in mask()._comfy_cache_tensors()) == held


@pytest.mark.parametrize(("share", "bits"), [(0.01, 0.13), (0.05, 0.35), (0.1, 0.5), (0.5, 1.01)])
def test_about_a_bit_a_weight_on_disk_and_less_where_few_are_pruned(
    tmp_path: Path, share: float, bits: float
) -> None:
    path = tmp_path / "mask.safetensors"
    generator = torch.Generator().manual_seed(0)
    layers = {
        f"blocks.{n}.ff.net.2": torch.rand(320, 1280, generator=generator) < share for n in range(4)
    }
    saved = replace(mask(), layers=layers)
    saved.save(path)
    header = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    assert 8 * (path.stat().st_size - header) <= bits * saved.weights
    assert header < 2000


def test_counts_and_shapes() -> None:
    layers = {"a": torch.tensor([[True, False, True]]), "b": torch.tensor([[True], [False]])}
    counted = replace(mask(), layers=layers)
    assert (counted.count, counted.weights) == (3, 5)
    assert counted.shapes == {"a": (1, 3), "b": (2, 1)}
    assert mask().shapes == SHAPES


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"layers": {}}, "^layers: is empty"),
        ({"layers": {"a": torch.ones(2, 2)}}, "^layers: a is torch.float32 on cpu; give bool"),
        ({"layers": {"a": torch.ones(2, 2, device="meta") > 0}}, "^layers: a is .* on meta"),
        ({"layers": {"a": torch.ones(4) > 0}}, r"^layers: a has shape \(4,\)"),
        ({"layers": {"a": torch.ones(0, 4) > 0}}, r"^layers: a has shape \(0, 4\)"),
        ({"layers": {"": torch.ones(2, 2) > 0}}, "^layers: has a layer named ''"),
        ({"concepts": ()}, r"^concepts: is \(\); give a tuple of at least 1"),
        ({"concepts": ["church"]}, r"^concepts: is \['church'\]; give a tuple"),
        ({"settings": {"r": torch.inf}}, "^settings: r is inf"),
        ({"provenance": {"when": {1, 2}}}, "^provenance: is no JSON"),
        ({"provenance": []}, "^provenance: is list; give a dict"),
    ],
)
def test_bad_fields_are_named(change: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(mask(), **change)


@pytest.mark.parametrize(
    ("architecture", "fingerprint", "complaint"),
    [
        ("", "4f2a", "^architecture: is ''"),
        ("SD15", "", "^fingerprint: is ''"),
        (None, "4f2a", "^architecture: is None"),
    ],
)
def test_bad_identity_is_named(architecture: str, fingerprint: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ModelIdentity(architecture, fingerprint)


def test_identity_reads_as_one_line_with_a_short_fingerprint() -> None:
    identity = ModelIdentity("SD15 (16 FFN2 layers)", "4f2a" * 16)
    assert str(identity) == "SD15 (16 FFN2 layers), fingerprint 4f2a4f2a"
