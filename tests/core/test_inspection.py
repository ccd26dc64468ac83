"""Where pruned weights lie and what was kept, counted weight by weight."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import MODEL, OTHER_MODEL, mask, profile, seeds

from fia_core import (
    FusionCounts,
    NeuronMask,
    build_concept_mask,
    fuse_neuron_masks,
    inspect_mask,
    inspection_text,
)

NAMES = ("church", "golf ball", "cat", "dog")


def row(concept: str, *indices: int) -> NeuronMask:
    """A mask of two layers, 2 × 3; the indices are flat and those of the first layer."""
    first = torch.zeros(6, dtype=torch.bool)
    first[list(indices)] = True
    layers = {"a.0.ff": first.reshape(2, 3), "a.1.ff": torch.zeros(2, 3, dtype=torch.bool)}
    return NeuronMask(layers, MODEL, (concept,), {"spatial_sparsity": 0.01}, {"concept": concept})


def test_a_fusion_by_hand() -> None:
    masks = [row("church", 0, 1, 2), row("ball", 2, 3), row("cat", 2)]
    fused = fuse_neuron_masks(masks, 0.9, [row("tree", 3)]).mask  # 3 of 3 is agnostic: 2; 3 stays
    inspection = inspect_mask(fused, masks, [row("tree", 3, 1)])
    first, second = inspection.layers
    assert first.counts == FusionCounts(weights=6, sensitive=4, agnostic=1, protected=1, pruned=2)
    assert second.counts == FusionCounts(weights=6, sensitive=0, agnostic=0, protected=0, pruned=0)
    assert inspection.total == FusionCounts(12, 4, 1, 1, 2)
    assert (first.by_output.tolist(), first.by_input.tolist()) == ([2, 0], [1, 1, 0])
    assert (first.place.label, first.shape) == ("0", (2, 3))
    assert inspection.threshold == 3
    assert inspection.note == ("A weight that 3 or more of 3 hold is concept-agnostic and kept.")
    assert inspection.overlap is not None
    assert inspection.overlap.names == ("church", "ball", "cat", "tree")
    assert inspection.overlap.forgotten == (True, True, True, False)
    assert inspection.overlap.lost.tolist() == [2 / 3, 0, 0, 0.5]


@given(seeds, st.integers(1, 5), st.sampled_from([0.2, 0.5, 0.6, 1.0]), st.booleans())
def test_counts_are_those_of_the_fusion(
    seed: int, concepts: int, ratio: float, protects: bool
) -> None:
    masks = [mask(f"c{n}", seed + 10 * n) for n in range(concepts)]
    protect = [mask("tree", seed + 5)] if protects else []
    fusion = fuse_neuron_masks(masks, ratio, protect)
    inspection = inspect_mask(fusion.mask, masks[::-1])
    assert {layer.name: layer.counts for layer in inspection.layers} == fusion.report.layers
    assert inspection.total == fusion.report.total
    assert inspection.threshold == fusion.report.threshold
    for layer in inspection.layers:
        pruned = fusion.mask.layers[layer.name].tolist()
        assert layer.by_output.tolist() == [sum(line) for line in pruned]
        assert layer.by_input.tolist() == [sum(line) for line in zip(*pruned, strict=True)]


def test_masks_from_files_are_recognised(tmp_path: Path) -> None:
    masks = [build_concept_mask(profile(name, n), 0.02) for n, name in enumerate(NAMES)]
    fused = fuse_neuron_masks(masks, 0.6).mask
    for number, saved in enumerate((*masks, fused)):
        saved.save(tmp_path / f"{number}.safetensors")
    *masks, fused = [NeuronMask.load(tmp_path / f"{number}.safetensors") for number in range(5)]
    assert inspect_mask(fused, masks).threshold == 3


def test_an_empty_mask() -> None:
    empty = mask(share=0.0)
    inspection = inspect_mask(empty, [empty])
    assert inspection.total == FusionCounts(empty.weights, 0, 0, 0, 0)
    assert not any(layer.by_output.any() or layer.by_input.any() for layer in inspection.layers)
    assert "Pruned: 0 of" in inspection_text(inspection)


def fused_of(*masks: NeuronMask) -> NeuronMask:
    return fuse_neuron_masks(masks, 0.6).mask


@pytest.mark.parametrize(
    ("inspected", "concept_masks", "note"),
    [
        (mask(), [mask()], "Not a fused mask"),
        (fused_of(mask(), mask("ball", 1)), [], "Connect concept_masks"),
        (fused_of(mask(), mask("ball", 1)), [mask()], "not all that the mask was fused from"),
        # Of the same name, but made in another way:
        (
            fused_of(mask()),
            [replace(mask(), settings={"spatial_sparsity": 0.03})],
            "not all that the mask was fused from",
        ),
        # Of the same record, but other weights:
        (fused_of(mask()), [mask(seed=9)], "do not give this mask again"),
        # A ratio that no fusion has:
        (
            replace(fused_of(mask()), settings={"agnostic_ratio": 7.0}),
            [mask()],
            "Not a fused mask",
        ),
    ],
)
def test_where_the_fusion_is_unknown_only_pruned_weights_are_counted(
    inspected: NeuronMask, concept_masks: list[NeuronMask], note: str
) -> None:
    inspection = inspect_mask(inspected, concept_masks)
    assert note in inspection.note
    assert inspection.threshold is None
    count = inspected.count
    assert inspection.total == FusionCounts(inspected.weights, count, 0, 0, count)
    assert "agnostic" not in inspection_text(inspection)


def test_a_concept_mask_of_what_is_not_forgotten_counts_as_kept() -> None:
    cat, church = mask("cat", 1), mask()
    overlap = inspect_mask(fused_of(church), [cat, church]).overlap
    assert overlap is not None
    assert (overlap.names, overlap.forgotten) == (("church", "cat"), (True, False))


def test_the_size_of_the_model_is_found_through_fusions_of_fusions() -> None:
    known = replace(mask("cat", 1), provenance={"profile_settings": {"model_weights": 5000}})
    inner = fused_of(mask(), known)
    outer = fused_of(mask("dog", 2), inner)
    assert inspect_mask(outer).model_weights == 5000
    assert f"{outer.count / 5000:.3%} of the model's 5,000 weights" in inspection_text(
        inspect_mask(outer)
    )
    assert inspect_mask(mask()).model_weights is None


@pytest.mark.parametrize(
    ("concept_masks", "kept_masks", "complaint"),
    [
        ([mask(model=OTHER_MODEL)], [], "^concept_masks: church is made for SDXL.*for SD15"),
        ([], [mask("cat", model=OTHER_MODEL)], "^kept_masks: cat is made for SDXL"),
        ([row("cat", 1)], [], "^concept_masks: cat is made for"),
        ([mask(), mask(seed=1)], [], "^concept_masks: 'church' comes twice"),
        ([mask("cat")], [mask("cat")], "^kept_masks: 'cat' comes twice"),
        ([mask("cat"), mask("Cat")], [], "^concept_masks: 'Cat' comes twice"),
        ([], [mask()], "^kept_masks: 'church' is what the mask forgets"),
        ([], [mask(" Church")], "^kept_masks: ' Church' is what the mask forgets"),
    ],
)
def test_masks_that_do_not_go_together_are_refused(
    concept_masks: list[NeuronMask], kept_masks: list[NeuronMask], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        inspect_mask(mask(), concept_masks, kept_masks)
