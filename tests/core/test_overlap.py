"""Overlap of concept masks, counted weight by weight."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import MODEL, SHAPES, mask, seeds

import fia_core.reports.overlap
from fia_core import ConceptOverlap, ConceptShare, NeuronMask, concept_overlap


def held(mask: NeuronMask) -> set[tuple[str, int]]:
    """Layer and flat index of every weight that a mask holds."""
    return {
        (name, index)
        for name, layer in mask.layers.items()
        for index, set_ in enumerate(layer.flatten().tolist())
        if set_
    }


def one_row(concept: str, *indices: int) -> NeuronMask:
    """A mask of ten weights that holds those at ``indices``."""
    layer = torch.zeros(1, 10, dtype=torch.bool)
    layer[0, list(indices)] = True
    return NeuronMask({"a.ff": layer}, MODEL, (concept,), {}, {})


def by_hand(forgotten: Sequence[bool] = (True, True, False)) -> ConceptOverlap:
    """Church 0-3, ball 2-5, cat 5-9; pruned are 1-5."""
    masks = [
        one_row("church", 0, 1, 2, 3),
        one_row("ball", 2, 3, 4, 5),
        one_row("cat", 5, 6, 7, 8, 9),
    ]
    return concept_overlap(masks, forgotten, one_row("all", 1, 2, 3, 4, 5))


def test_counts_and_shares_of_a_case_by_hand() -> None:
    overlap = by_hand()
    assert overlap.names == ("church", "ball", "cat")
    assert overlap.shared.tolist() == [[4, 2, 0], [2, 4, 1], [0, 1, 5]]
    assert overlap.pruned.tolist() == [[3, 2, 0], [2, 4, 1], [0, 1, 1]]
    assert overlap.own.tolist() == [4, 4, 5]
    assert overlap.lost.tolist() == [0.75, 1.0, 0.2]
    assert overlap.share_of_own.tolist() == [[1, 0.5, 0], [0.5, 1, 0.25], [0, 0.2, 1]]
    assert overlap.jaccard.tolist() == [[1, 2 / 6, 0], [2 / 6, 1, 1 / 8], [0, 1 / 8, 1]]
    assert overlap.lost_through.tolist() == [[0.75, 0.5, 0], [0.5, 1, 0.2], [0, 0.25, 0.2]]


def test_hints_of_a_case_by_hand() -> None:
    overlap = by_hand()
    assert overlap.hardest_hit(0) is None  # ball loses more, but is to be forgotten itself
    assert overlap.hardest_hit(1) == ConceptShare(2, 0.2)
    assert overlap.main_cause(2) == ConceptShare(1, 0.2)
    assert overlap.others == "concept that should stay"
    assert by_hand(forgotten=(True, True, True)).others == "other concept"


def test_hints_where_nothing_stays() -> None:
    overlap = by_hand(forgotten=(True, True, True))
    assert overlap.hardest_hit(0) == ConceptShare(1, 0.5)
    assert overlap.hardest_hit(1) == ConceptShare(0, 0.5)


def test_what_stays_takes_nothing() -> None:
    overlap = by_hand(forgotten=(True, False, False))
    assert overlap.main_cause(2) is None  # only ball, which stays, shares weights with cat
    assert overlap.main_cause(1) == ConceptShare(0, 0.5)


@given(seeds, st.integers(1, 6), st.sampled_from([0.0, 0.02, 0.3, 1.0]))
def test_it_counts_like_a_plain_loop(seed: int, concepts: int, share: float) -> None:
    masks = [mask(f"c{n}", seed + 10 * n, share=share) for n in range(concepts)]
    pruning = mask("all", seed + 7, share=0.5)
    overlap = concept_overlap(masks, [True] * concepts, pruning)
    gone = held(pruning)
    for i, first in enumerate(masks):
        for j, second in enumerate(masks):
            both = held(first) & held(second)
            assert overlap.shared[i, j] == len(both)
            assert overlap.pruned[i, j] == len(both & gone)


def test_fifty_concepts_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fia_core.reports.overlap, "CHUNK", 7)
    masks = [mask(f"c{n}", n, share=0.1) for n in range(50)]
    overlap = concept_overlap(masks, [True] * 50, masks[3])
    for i in (0, 3, 49):
        for j in range(50):
            assert overlap.shared[i, j] == len(held(masks[i]) & held(masks[j]))
            assert overlap.pruned[i, j] == len(held(masks[i]) & held(masks[j]) & held(masks[3]))


def test_empty_masks_share_and_lose_nothing() -> None:
    empty = [mask(name, share=0.0) for name in ("church", "ball")]
    overlap = concept_overlap(empty, [True, True], empty[0])
    assert not overlap.shared.any() and not overlap.pruned.any()
    for shares in (overlap.jaccard, overlap.share_of_own, overlap.lost_through, overlap.lost):
        assert not shares.any()
    assert overlap.hardest_hit(0) is None


def test_a_single_concept_hits_no_other() -> None:
    church = mask()
    overlap = concept_overlap([church], [True], church)
    assert overlap.shared.tolist() == overlap.pruned.tolist() == [[church.count]]
    assert overlap.lost.tolist() == [1.0]
    assert overlap.hardest_hit(0) is None
    assert sum(rows * columns for rows, columns in SHAPES.values()) > church.count
