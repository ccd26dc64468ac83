"""The tests by hand: ranks of few pairs, and Holm's correction."""

import pytest

from benchmarks.harness.comparisons import verdict
from benchmarks.harness.significance import (
    Comparison,
    corrected,
    holm,
    least_p,
    signed_rank,
)

SEEDS = [1, 2, 3, 4, 5]


def test_five_pairs_all_ahead_have_one_chance_in_sixteen() -> None:
    test = signed_rank([0.9, 0.8, 0.7, 0.6, 0.5], [0.8, 0.6, 0.4, 0.2, 0.0], SEEDS)
    assert (test.pairs, test.differing) == (5, 5)
    assert test.difference == pytest.approx(0.3)
    assert test.p == pytest.approx(2 / 2**5)  # all signs alike, either way
    assert test.p == least_p(5) == test.p_seeds


def test_the_smallest_difference_against_is_two_chances_more() -> None:
    test = signed_rank([0.8, 1.0, 1.0, 1.0, 1.0], [0.9, 0.8, 0.7, 0.6, 0.5], SEEDS)
    assert test.p == pytest.approx(4 / 2**5)  # rank sums 0 and 1, either way


def test_pairs_without_a_difference_count_but_have_no_rank() -> None:
    test = signed_rank([0.5, 0.1 + 0.2, 0.9], [0.5, 0.3, 0.4], [1, 2, 3])
    assert (test.pairs, test.differing) == (3, 1)
    assert test.p == 1  # of one sign, both are as likely
    assert signed_rank([0.5, 0.5], [0.5, 0.5], [1, 2]).p == 1


def test_a_seed_is_ahead_by_the_mean_of_its_pairs() -> None:
    test = signed_rank([0.9, 0.2, 0.5, 0.5], [0.5, 0.4, 0.5, 0.6], [1, 1, 2, 3])
    assert (test.seeds_ahead, test.seeds_behind, test.seeds) == (1, 1, 3)


def test_seeds_are_tested_by_the_means_of_their_pairs() -> None:
    ahead = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    test = signed_rank(ahead, [0.0, 0.25, 0.0, 0.2, 0.0, 0.2], [1, 1, 2, 2, 3, 3])
    assert test.p == pytest.approx(4 / 2**6)  # one pair of six is behind, by least
    assert test.p_seeds == pytest.approx(2 / 2**3)  # three seeds ahead


def test_equal_differences_share_a_rank_whatever_their_rounding() -> None:
    ahead = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]  # 0.2 - 0.3 and 0.4 - 0.3 differ in the last digits
    test = signed_rank(ahead, [0.0, 0.3, 0.0, 0.3, 0.0, 0.3], [1, 2, 3, 4, 5, 6])
    assert test.p == pytest.approx(8 / 2**6)  # the one behind may be any of the three smallest


def test_all_comparisons_are_corrected_together() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    one = signed_rank(values, [0.0] * 6, [1, 2, 3, 4, 5, 6])
    found = corrected({"a": one, "b": one})
    assert found["a"].p_holm == pytest.approx(2 * one.p) == found["a"].least_p_holm
    assert found["a"].p_seeds_holm == pytest.approx(2 * one.p_seeds)


def test_the_least_p_is_of_holms_steps_too() -> None:
    few = signed_rank([1.0] * 6, [0.0] * 6, [1, 2, 3, 4, 5, 6])
    many = signed_rank([1.0] * 10, [0.0] * 10, list(range(10)))
    found = corrected({"few": few, "many": many})
    assert found["few"].least_p_holm == least_p(6) < 0.05  # many comes before it
    assert found["many"].least_p_holm == 2 * least_p(10)


def test_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="has no values; give at least one pair"):
        signed_rank([], [], [])


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    corrected = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert corrected == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert list(corrected) == ["a", "b", "c"]
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize(
    ("least", "differing", "difference", "p", "word"),
    [
        (0.03, 6, 0.2, 0.03, "ahead"),
        (0.03, 6, -0.2, 0.03, "behind"),
        (0.03, 6, 0.2, 0.06, "no difference shown"),
        (0.06, 6, 1.0, 0.06, "too few pairs"),
        (0.06, 0, 0.0, 1.0, "equal"),
    ],
)
def test_a_verdict_says_why_there_is_none(
    least: float, differing: int, difference: float, p: float, word: str
) -> None:
    test = Comparison(6, differing, difference, p, 0, 5, 5, p, p, p, least, least)
    assert verdict(test) == word
