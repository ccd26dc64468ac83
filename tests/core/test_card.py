"""A mask's card says what the mask is, and stays short and whole whatever the mask holds."""

from dataclasses import replace
from typing import Any

from samples import OTHER_MODEL, mask, profile

from fia_core import build_concept_mask, fuse_neuron_masks
from fia_core.reports.card import mask_card
from fia_core.version import VERSION


def rows(mask: Any) -> dict[str, str]:
    card = mask_card(mask)
    assert len({label for label, _ in card.rows}) == len(card.rows)
    return dict(card.rows)


def test_a_concept_masks_card() -> None:
    built = build_concept_mask(profile(), 0.01)
    share = f"{100 * built.count / built.weights:.2f} %"
    assert mask_card(built).title == "church"
    assert rows(built) == {
        "made for": "SD15 (16 layers)",
        "switches off": f"{built.count} of 309 FFN2 weights ({share}) in 2 layers",
        "church": "object · spatial sparsity 1 %, granularity both · "
        "2 prompts: “a church in a road”, “a church near a tree”",
        "profiled with": "seed 7, cfg 7.5, sampler euler, released False, note None",
        "fingerprint": "4f2a91c3",
        "made with": f"Forget It All {VERSION}",
    }


def test_a_fused_masks_card_lists_its_concepts_and_what_it_protects() -> None:
    masks = [build_concept_mask(profile(name, seed), 0.02) for name, seed in NAMES]
    tree = build_concept_mask(profile("tree", 5), 0.01)
    card = mask_card(fuse_neuron_masks(masks, 0.6, [tree]).mask)
    found = dict(card.rows)
    assert card.title == "church, golf ball"
    assert found["fused with"] == "agnostic ratio 60 %"
    assert found["golf ball"].startswith("object · spatial sparsity 2 %, granularity both")
    assert found["protects"] == "tree"
    assert [label for label, _ in card.rows][3:5] == ["church", "golf ball"]


NAMES = (("church", 0), ("golf ball", 1))


def test_a_fusion_of_fusions_shows_every_concept() -> None:
    inner = [build_concept_mask(profile(name, seed), 0.02) for name, seed in NAMES]
    fused = fuse_neuron_masks(inner, 0.6).mask
    outer = fuse_neuron_masks([fused, build_concept_mask(profile("cat", 3), 0.01)], 0.6).mask
    assert {"church", "golf ball", "cat"} <= rows(outer).keys()


def test_the_share_of_the_model_needs_its_size() -> None:
    sized = replace(mask(), provenance={"profile_settings": {"model_weights": 309 * 10}})
    share = f"{10 * sized.count / sized.weights:.2f} %"
    assert rows(sized)["switches off"].endswith(f", {share} of the model")
    assert "profiled with" not in rows(sized)


def test_an_older_mask_says_so() -> None:
    assert rows(mask())["made with"] == "an earlier version"


def test_a_huge_provenance_gives_a_short_card() -> None:
    deep: dict[str, Any] = {}
    for _ in range(250):  # about as deep as JSON goes
        deep = {
            "masks": [{"concepts": ["x" * 999], "settings": {"r" * 999: 1}, "provenance": deep}]
        }
    wide = {
        "masks": [
            {"concepts": [f"concept {n}\n{'y' * 999}"], "provenance": {"kind": "z" * 9999}}
            for n in range(500)
        ],
        "protect": [{"concepts": ["p" * 999] * 100}],
        "extension_version": "v" * 999,
    }
    for provenance in (deep, wide):
        large = replace(mask(model=OTHER_MODEL), provenance=provenance, concepts=("c" * 999,) * 100)
        card = mask_card(large)
        assert len(card.title) < 2000 and "and 88 more" in card.title
        assert len(card.rows) < 30
        assert all("\n" not in text and len(text) < 2500 for row in card.rows for text in row)
