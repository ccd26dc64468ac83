"""From profiles to one mask: whole-model stages against the single equations."""

import re
from dataclasses import replace

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    MODEL,
    OTHER_MODEL,
    SHAPES,
    hundredths,
    mask,
    profile,
    seeds,
    sensitivities,
)

from fia_core import (
    GRANULARITIES,
    FusionReport,
    NeuronMask,
    build_concept_mask,
    concept_sensitive_mask,
    fuse_neuron_masks,
    fusion_text,
    fusion_warnings,
)
from fia_core import masking as erasure

NAMES = ("church", "golf ball", "tench", "chain saw", "parachute", "French horn")


@given(seeds, st.integers(1, 100), st.sampled_from(GRANULARITIES))
def test_concept_mask_is_the_selection_of_each_layer(
    seed: int, thousandths: int, granularity: str
) -> None:
    built = build_concept_mask(profile(seed=seed), thousandths / 1000, granularity)
    for name, sensitivity in sensitivities(seed).items():
        expected = concept_sensitive_mask(sensitivity, thousandths / 1000, granularity)
        assert torch.equal(built.layers[name], expected)


def test_concept_mask_says_where_it_comes_from() -> None:
    built = build_concept_mask(profile(), 0.006999999999999999)
    assert built.model == MODEL
    assert built.concepts == ("church",)
    assert built.settings == {"spatial_sparsity": 0.007, "granularity": "both"}
    assert built.provenance["concept_prompts"] == ["a church in a road", "a church near a tree"]
    assert built.provenance["base_prompts"] == ["a road", "a tree"]
    assert built.provenance["profile_settings"]["seed"] == 7


@pytest.mark.parametrize("sparsity", [0.1001, 0.5, 1.0])
def test_more_than_a_profile_keeps_is_refused(sparsity: float) -> None:
    with pytest.raises(ValueError, match=rf"^spatial_sparsity: is {sparsity}; give at most 0.1,"):
        build_concept_mask(profile(), sparsity)


@given(seeds, st.integers(1, 6), hundredths, st.integers(0, 2))
def test_fusion_is_equations_7_and_8_in_each_layer(
    seed: int, concept_count: int, alpha: int, protected_count: int
) -> None:
    masks = [mask(name, seed + n) for n, name in enumerate(NAMES[:concept_count])]
    protect = [mask("tree", seed + 50 + n, share=0.2) for n in range(protected_count)]
    result = fuse_neuron_masks(masks, alpha / 100, protect)
    for name in SHAPES:
        pruned, _ = reference.fuse_masks([m.layers[name] for m in masks], alpha)
        for kept in protect:
            pruned &= ~kept.layers[name]
        assert torch.equal(result.mask.layers[name], pruned)
    check_report(result.report, result.mask, masks)


def test_a_layer_in_several_blocks_is_fused_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = [mask(name, seed) for seed, name in enumerate(NAMES)]
    whole = fuse_neuron_masks(masks, 0.5, [mask("tree", 50)])
    monkeypatch.setattr(erasure, "BLOCK", 5)
    blocks = fuse_neuron_masks(masks, 0.5, [mask("tree", 50)])
    assert blocks.mask.to_bytes() == whole.mask.to_bytes()
    assert blocks.report == whole.report


def check_report(report: FusionReport, fused: NeuronMask, masks: list[NeuronMask]) -> None:
    """Every count against the masks themselves."""
    assert report.total.pruned == fused.count
    assert report.total.weights == fused.weights
    for counts in (report.total, *dict(report.concepts).values(), *report.layers.values()):
        assert counts.sensitive == counts.agnostic + counts.protected + counts.pruned
        assert counts.share == counts.pruned / counts.weights
    for concept_mask, (name, counts) in zip(masks, report.concepts, strict=True):
        assert name == concept_mask.concepts[0]
        assert counts.sensitive == concept_mask.count
        assert counts.pruned == sum(
            int((layer & fused.layers[name]).sum()) for name, layer in concept_mask.layers.items()
        )
    for name, counts in report.layers.items():
        held = sum(concept_mask.layers[name].int() for concept_mask in masks)
        assert isinstance(held, torch.Tensor)
        assert counts.weights == held.numel()
        assert counts.sensitive == int((held > 0).sum())
        assert counts.agnostic == int((held >= report.threshold).sum())
        assert counts.pruned == int(fused.layers[name].sum())


def test_a_protected_mask_of_everything_leaves_nothing_pruned() -> None:
    result = fuse_neuron_masks([mask()], 0.6, protect=[mask("tree", share=1.1)])
    assert result.mask.count == 0
    assert result.report.total.protected == mask().count


def test_fused_mask_says_where_it_comes_from() -> None:
    masks = [mask("church"), mask("tench", 1)]
    fused = fuse_neuron_masks(masks, 0.6000000000000001, protect=[mask("tree", 2)]).mask
    assert fused.concepts == ("church", "tench")
    assert fused.settings == {"agnostic_ratio": 0.6}
    origins = [origin["concepts"] for origin in fused.provenance["masks"]]
    assert origins == [["church"], ["tench"]]
    assert fused.provenance["protect"][0]["concepts"] == ["tree"]
    assert fused.provenance["masks"][0]["provenance"] == masks[0].provenance


def test_fusing_leaves_the_masks_alone() -> None:
    masks, protect = [mask("church"), mask("tench", 1)], [mask("tree", 2)]
    fuse_neuron_masks(masks, 0.6, protect)
    fresh = [mask("church"), mask("tench", 1), mask("tree", 2)]
    for used, untouched in zip(masks + protect, fresh, strict=True):
        assert all(torch.equal(used.layers[name], untouched.layers[name]) for name in SHAPES)


def test_report_is_readable() -> None:
    masks = [mask("church"), mask("golf ball", 1), mask("tench", 2)]
    result = fuse_neuron_masks(masks, 0.6)
    text = fusion_text(result.report)
    assert text.startswith("Concept masks fused: 3. A weight that 2 or more of 3 hold is concept-")
    for name in ("church", "golf ball", "tench", "10", "2"):  # the layers, by what differs
        assert any(line.startswith(f"| {name} ") for line in text.splitlines())
    assert f"{result.report.total.share:.3%}" in text
    assert "of model" not in text
    of_model = fusion_text(result.report, model_weights=1000)
    assert "of model" in of_model
    assert f"{result.report.total.pruned / 1000:.3%}" in of_model
    *_, by_concept, _, by_layer = of_model.split("\n\n")
    for table in (by_concept, by_layer):
        assert len({len(line) for line in table.splitlines()}) == 1
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_two_concepts_are_told_that_no_ratio_changes_what_they_share() -> None:
    for ratio in (0.01, 1.0):
        report = fuse_neuron_masks([mask("naked"), mask("nude", 1)], ratio).report
        assert "What both hold is concept-agnostic and kept, at any ratio" in fusion_text(report)


def test_a_single_concept_is_told_that_its_whole_mask_is_pruned() -> None:
    assert "its whole mask is pruned" in fusion_text(fuse_neuron_masks([mask()], 0.6).report)


def test_a_concept_that_is_all_agnostic_is_told_what_can_help() -> None:
    same = [mask(name) for name in ("church", "chapel", "tench")]
    warnings = fusion_warnings(fuse_neuron_masks(same, 0.6).report)
    assert len(warnings) == 3 and "You may raise the agnostic ratio, or protect" in warnings[0]
    warnings = fusion_warnings(fuse_neuron_masks(same[:2], 0.6).report)
    assert len(warnings) == 2 and "You may protect less, or forget it with" in warnings[0]


def test_concepts_that_are_named_alike_have_a_row_each() -> None:
    both = fuse_neuron_masks([mask("cat"), mask("dog", 1)], 0.6).mask
    report = fuse_neuron_masks([both, mask("cat, dog", 2)], 0.6).report
    assert [name for name, _ in report.concepts] == ["cat, dog", "cat, dog"]


def test_masks_of_two_models_are_refused_by_name() -> None:
    both = f"{re.escape(str(OTHER_MODEL))}, the others for {re.escape(str(MODEL))};"
    with pytest.raises(ValueError, match=f"^masks: tench: is made for the model {both}"):
        fuse_neuron_masks([mask(), mask("tench", model=OTHER_MODEL)], 0.6)
    with pytest.raises(ValueError, match=f"^protect: tree: is made for the model {both}"):
        fuse_neuron_masks([mask()], 0.6, [mask("tree", model=OTHER_MODEL)])


def test_masks_of_other_layers_are_refused() -> None:
    other = replace(mask("tench"), layers={"blocks.3": torch.ones(2, 2) > 0})
    with pytest.raises(ValueError, match=r"^masks: tench: has other layers or shapes than church"):
        fuse_neuron_masks([mask(), other], 0.6)


def test_concepts_are_the_same_whatever_their_case_and_blanks() -> None:
    with pytest.raises(ValueError, match=r"^masks: 'Golf  Ball' comes twice"):
        fuse_neuron_masks([mask("golf ball"), mask("Golf  Ball", 1)], 0.6)


def test_a_concept_to_forget_and_to_keep_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^protect: 'Church' is among the masks to forget"):
        fuse_neuron_masks([mask("church")], 0.6, protect=[mask("Church", 1)])


def test_the_report_warns_of_a_concept_without_sensitive_weights() -> None:
    report = fuse_neuron_masks([mask("church"), mask("tench", share=0.0)], 0.6).report
    (warning,) = fusion_warnings(report)
    assert warning.startswith("tench will not be forgotten: no weight answers to it.")
    assert fusion_text(report).startswith(f"Warning: {warning}\n")


def test_no_masks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^masks: is empty"):
        fuse_neuron_masks([], 0.6)
