"""The profile: lossless for selection up to 10 %, at most a byte a weight, its fields checked."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import few_levels, normal, profile, seeds

from fia_core import (
    GRANULARITIES,
    MAX_SPATIAL_SPARSITY,
    ConceptProfile,
    SparseSensitivity,
    concept_sensitive_mask,
)


@given(seeds, st.integers(1, 9), st.integers(1, 60), st.integers(1, 100), st.booleans())
def test_selection_from_a_profile_is_lossless(
    seed: int, channels: int, inputs: int, thousandths: int, ties: bool
) -> None:
    make = few_levels if ties else normal
    sensitivity = make(seed, channels, inputs)
    kept = SparseSensitivity.from_dense(sensitivity)
    for granularity in GRANULARITIES:
        expected = concept_sensitive_mask(sensitivity, thousandths / 1000, granularity)
        found = concept_sensitive_mask(kept.dense(), thousandths / 1000, granularity)
        assert torch.equal(found, expected)
        found = kept.concept_sensitive_mask(thousandths / 1000, granularity)
        assert torch.equal(found, expected)


def test_more_than_a_profile_keeps_would_differ() -> None:
    sensitivity = normal(0, 20, 50).abs()
    dense = SparseSensitivity.from_dense(sensitivity).dense()
    expected = concept_sensitive_mask(sensitivity, 0.3, "channel")
    assert not torch.equal(concept_sensitive_mask(dense, 0.3, "channel"), expected)


@given(seeds, st.integers(1, 9), st.integers(1, 60))
def test_kept_entries_keep_every_bit_and_the_others_are_zero(
    seed: int, channels: int, inputs: int
) -> None:
    sensitivity = normal(seed, channels, inputs)
    dense = SparseSensitivity.from_dense(sensitivity).dense()
    assert ((dense == sensitivity) | (dense == 0)).all()
    again = SparseSensitivity.from_dense(dense)
    assert torch.equal(again.dense(), dense)


def test_at_most_a_byte_a_weight_in_memory_and_on_disk(tmp_path: Path) -> None:
    # A tenth of the rows hold the layer's largest entries: the two sets hardly overlap.
    sensitivity = normal(0, 320, 1280).abs()
    sensitivity[:32] += 10
    layer = SparseSensitivity.from_dense(sensitivity)
    assert layer.kept.numel() + 4 * layer.values.numel() <= 0.925 * sensitivity.numel()
    path = tmp_path / "profile.safetensors"
    replace(profile(), layers={"ff.net.2": layer}).save(path)
    assert path.stat().st_size <= sensitivity.numel()


def test_it_says_what_it_takes_in_memory() -> None:
    layers = profile().layers.values()
    held = sum(layer.kept.nbytes + layer.values.nbytes for layer in layers)
    assert sum(tensor.nbytes for tensor in profile()._comfy_cache_tensors()) == held > 0


def test_a_layer_without_sensitivity_is_kept_as_nothing(tmp_path: Path) -> None:
    layer = SparseSensitivity.from_dense(torch.zeros(3, 5))
    assert layer.values.numel() == 0
    path = tmp_path / "profile.safetensors"
    replace(profile(), layers={"ff.net.2": layer}).save(path)
    assert ConceptProfile.load(path).layers["ff.net.2"].dense().tolist() == [[0.0] * 5] * 3


@given(
    st.text(min_size=1).filter(str.strip),
    st.dictionaries(
        st.text(min_size=1).filter(str.strip),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        max_size=4,
    ),
    seeds,
)
def test_file_round_trip(
    tmp_path_factory: pytest.TempPathFactory, concept: str, settings: dict, seed: int
) -> None:
    path = tmp_path_factory.mktemp("profile") / "profile.safetensors"
    saved = replace(profile(seed=seed), concept=concept, settings=settings)
    saved.save(path)
    loaded = ConceptProfile.load(path)
    for field in ("concept", "kind", "concept_prompts", "base_prompts", "settings", "model"):
        assert getattr(loaded, field) == getattr(saved, field)
    assert list(loaded.layers) == list(saved.layers)
    for name, layer in saved.layers.items():
        assert loaded.layers[name].shape == layer.shape
        assert torch.equal(loaded.layers[name].dense(), layer.dense())


def test_same_profile_same_bytes(tmp_path: Path) -> None:
    profile().save(tmp_path / "a.safetensors")
    profile().save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"concept": " "}, "^concept: has ' '"),
        ({"kind": "place"}, "^kind: is 'place'; choose one of"),
        ({"concept_prompts": ()}, r"^concept_prompts: is \(\); give a tuple of at least 1"),
        ({"concept_prompts": "a church"}, "^concept_prompts: is 'a church'; give a tuple"),
        ({"base_prompts": ("a road",)}, "^base_prompts: .*at least 2"),
        ({"base_prompts": ("a road", 3)}, "^base_prompts: has 3"),
        ({"settings": {"cfg": torch.nan}}, "^settings: cfg is nan"),
        ({"settings": {"sizes": [1]}}, r"^settings: sizes is \[1\]"),
        ({"settings": None}, "^settings: is NoneType"),
        ({"layers": {}}, "^layers: is empty"),
    ],
)
def test_bad_fields_are_named(change: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(profile(), **change)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"values": torch.ones(9)}, r"^values: is torch.float32 of shape \(9,\)"),
        ({"shape": (3, 4)}, r"^packed: is torch.uint8 of shape \(1,\); give .* \(2,\)"),
        ({"shape": (1, 5)}, "^packed: has a bit set beyond its 5 entries"),
        ({"kept": torch.tensor([255], dtype=torch.int16)}, "^packed: is torch.int16"),
        ({"values": torch.ones(8, dtype=torch.float64)}, "^values: is torch.float64"),
        ({"values": torch.ones(7)}, r"^values: .* give float32 of shape \(8,\)"),
        ({"values": torch.zeros(8)}, "^values: has one that is not above 0"),
        ({"values": torch.full((8,), torch.nan)}, "^values: has one that is not above 0"),
        ({"values": torch.full((8,), torch.inf)}, "^values: has one that is not above 0"),
    ],
)
def test_bad_sparse_sensitivity_is_named(change: dict, complaint: str) -> None:
    good = {
        "shape": (2, 4),
        "kept": torch.tensor([255], dtype=torch.uint8),
        "values": torch.ones(8),
    }
    SparseSensitivity(**good)
    with pytest.raises(ValueError, match=complaint):
        SparseSensitivity(**(good | change))


def test_sensitivity_to_keep_is_checked() -> None:
    assert MAX_SPATIAL_SPARSITY == 0.1
    with pytest.raises(ValueError, match=r"^sensitivity: holds nan"):
        SparseSensitivity.from_dense(torch.full((2, 2), torch.nan))
