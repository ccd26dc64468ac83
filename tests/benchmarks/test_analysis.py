"""Shares, tests and tables by hand."""

from collections.abc import Sequence
from math import isnan
from typing import Any

import pandas as pd
import pytest
from measured import every_shot, measured

from benchmarks.analysis.comparisons import (
    by_standing,
    change_comparisons,
    comparisons,
    corrected,
    holm,
    least_p,
    signed_rank,
    verdict,
)
from benchmarks.analysis.frames import Spread, over_seeds
from benchmarks.analysis.page import against_peers, behind_lines, suite_lines
from benchmarks.analysis.tables import accuracy_table, agreement_table, cohens_kappa, judge_pairs
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite
from demo_model.vocabulary import with_article

SEEDS = [1, 2, 3, 4, 5, 6]
OBJECTS = "demo_objects"


def shot(object: str, scene: str, seed: int) -> Shot:
    prompt = f"a photo of {with_article(object)} in {with_article(scene)}"
    return Shot(object, scene, "", prompt, seed)


def seen(method: str, object: str, seed: int, value: float, scene: str) -> Any:
    return (method, "" if method == "base" else "one", shot(object, scene, seed), OBJECTS, value)


def test_shares_are_of_the_same_shots_seed_by_seed(suite: Suite) -> None:
    found = measured(
        suite,
        [
            *(seen("base", "church", 1, 1, scene) for scene in ("beach", "ocean", "desert")),
            seen("base", "cat", 1, 1, "desert"),
            seen("base", "car", 1, 1, "beach"),
            seen("base", "car", 1, 0, "ocean"),  # the group does not ask this
            seen("base", "church", 2, 1, "beach"),
            seen("base", "cat", 2, 0, "beach"),
            seen("fia", "church", 1, 1, "beach"),
            seen("fia", "church", 1, 0, "ocean"),  # the third scene was not drawn yet
            seen("fia", "cat", 1, 1, "desert"),
            seen("fia", "car", 1, 0, "beach"),
            seen("fia", "car", 1, 0, "ocean"),
            seen("fia", "church", 2, 0, "beach"),
            seen("fia", "cat", 2, 1, "beach"),
        ],
    )
    outcomes = found.outcomes(OBJECTS)
    first, second = outcomes[outcomes["method"] == "fia"].to_dict("records")
    assert (first["forgotten_before"], first["forgotten"], first["kept_before"]) == (1, 0.5, 1)
    assert (first["kept"], first["forgotten_pictures"], first["kept_pictures"]) == (0.5, 2, 2)
    assert first["kept_share"] == 0.5 and first["harmonic_mean"] == 0.5
    assert (second["forgotten"], second["kept_before"], second["kept"]) == (0, 0, 1)
    assert isnan(second["kept_share"]) and isnan(second["harmonic_mean"]), "nothing could be kept"
    assert not len(found.outcomes("demo_styles")), "another judge is another table"


def test_a_table_says_how_many_pictures_a_figure_rests_on(suite: Suite) -> None:
    asked = (("church", "beach"), ("church", "ocean"), ("cat", "desert"))
    rows = [seen(method, name, 1, 1, scene) for method in ("base", "fia") for name, scene in asked]
    table = accuracy_table(measured(suite, rows), OBJECTS, suite.groups[:1])
    assert table.splitlines()[-1].endswith("| 2 (66) + 1 (79) |")


def test_a_kept_share_above_one_counts_as_one(suite: Suite) -> None:
    rows = [
        seen(method, name, 1, value, scene)
        for method, name, scene, value in (
            ("base", "church", "beach", 1),
            ("base", "cat", "desert", 1),
            ("base", "car", "beach", 0),
            ("fia", "church", "beach", 0),
            ("fia", "cat", "desert", 1),
            ("fia", "car", "beach", 1),
        )
    ]
    outcomes = measured(suite, rows).outcomes(OBJECTS)
    outcomes = outcomes[outcomes["group"] == "one"]
    plain, fia = (outcomes[outcomes["method"] == label].iloc[0] for label in ("base", "fia"))
    assert fia["kept_share"] == 2 and fia["harmonic_mean"] == 1
    assert plain["harmonic_mean"] == 0, "nothing is forgotten"


def test_groups_are_averaged_within_a_seed_and_seeds_make_the_deviation() -> None:
    spread = over_seeds(pd.DataFrame({"seed": [1, 1, 2], "share": [0.0, 1.0, 1.0]}), "share")
    assert spread.by_seed == (0.5, 1)
    assert spread.percent() == "75.0 ± 35.4"
    assert Spread((0.5,)).percent() == "50.0 ± 0.0"
    known_of_one = pd.DataFrame({"seed": [1, 2], "share": [float("nan"), 1.0]})
    assert over_seeds(known_of_one, "share").by_seed == (1,)
    assert over_seeds(known_of_one[:1], "share").percent() == "–"


def test_the_method_that_moves_kept_pictures_less_is_ahead(content: dict[str, Any]) -> None:
    suite = parse_suite("small", content | {"judges": [OBJECTS, "pixel_distance"]})
    far = {"base": 0.0, "fia": 0.01, "weak": 0.03}
    found = every_shot(suite, lambda label, group, shot, judge: far[label])
    tests = change_comparisons(found)
    assert tests["difference"]["weak"] == pytest.approx(0.02)
    assert (tests["seeds_ahead"]["weak"], tests["seeds"]["weak"]) == (2, 2)


def paired(differences: list[float], seeds: Sequence[int] = SEEDS) -> dict[str, float]:
    """Pairs at these seeds."""
    index = pd.Index(seeds[: len(differences)], name="seed")
    return signed_rank(pd.Series(differences, index=index))


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], 2 / 2**5),  # all signs alike, either way
        ([-0.1, 0.2, 0.3, 0.4, 0.5], 4 / 2**5),  # rank sums 0 and 1, either way
        ([0.0, 0.1 + 0.2 - 0.3, 0.5], 1),  # two have no rank; of one sign, both are as likely
        ([0.0, 0.0], 1),
        # ±0.1 differ in their last digits only: the one behind may be any of the three smallest
        ([0.1, 0.2 - 0.3, 0.3, 0.4 - 0.3, 0.5, 0.3], 8 / 2**6),
    ],
)
def test_p_is_the_share_of_signs_that_are_as_far_apart(differences: list[float], p: float) -> None:
    test = paired(differences)
    assert test["p"] == pytest.approx(p) and test["pairs"] == len(differences)
    assert test["differing"] == sum(abs(value) > 1e-9 for value in differences)


def test_seeds_are_ahead_and_tested_by_the_means_of_their_pairs() -> None:
    test = paired([0.4, -0.2, 0.0, -0.1], [1, 1, 2, 3])
    assert (test["seeds_ahead"], test["seeds_behind"], test["seeds"]) == (1, 1, 3)
    test = paired([0.1, -0.05, 0.3, 0.2, 0.5, 0.4], [1, 1, 2, 2, 3, 3])
    assert test["p"] == pytest.approx(4 / 2**6)  # one pair of six is behind, by least
    assert test["p_seeds"] == pytest.approx(2 / 2**3)  # three seeds ahead


def test_all_comparisons_are_corrected_together() -> None:
    one = paired([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    a = corrected({"a": one, "b": one}).loc["a"]
    assert a["p_holm"] == pytest.approx(2 * one["p"]) == a["least_p_holm"]
    assert a["p_seeds_holm"] == pytest.approx(2 * one["p_seeds"])


def test_the_least_p_is_of_holms_steps_too() -> None:
    found = corrected({"few": paired([1.0] * 6), "many": paired([1.0] * 10, range(10))})
    assert found["least_p_holm"]["few"] == least_p(6) < 0.05  # many comes before it
    assert found["least_p_holm"]["many"] == 2 * least_p(10)


@pytest.mark.parametrize(
    ("p", "wanted"),
    [([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]), ([0.6, 0.9], [1, 1]), ([], [])],
)
def test_holm_multiplies_by_what_is_left_and_never_falls(p: list[float], wanted: Any) -> None:
    assert list(holm(pd.Series(p, dtype=float))) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("difference", "differing", "p", "least", "word"),
    [
        (0.2, 6, 0.03, 0.03, "ahead"),
        (-0.2, 6, 0.03, 0.03, "behind"),
        (0.2, 6, 0.06, 0.03, "no difference shown"),
        (1.0, 6, 0.06, 0.06, "too few differ"),
        (0.0, 0, 1.0, 1.0, "equal"),
    ],
)
def test_a_verdict_says_why_there_is_none(
    difference: float, differing: int, p: float, least: float, word: str
) -> None:
    assert verdict(difference, differing, p, least) == word


def test_of_many_pairs_a_few_that_differ_cannot_show_a_difference() -> None:
    few = corrected({"a": paired([0.1, 0.2] + [0.0] * 28, range(30))}).loc["a"]
    assert few["least_p_holm"] == least_p(2) == few["least_p_seeds_holm"]
    assert few["verdict"] == few["verdict_seeds"] == "too few differ"


def test_pairs_of_few_seeds_may_tell_where_their_seeds_cannot() -> None:
    six = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    one = corrected({"a": paired(six, [1, 1, 2, 2, 3, 3])}).loc["a"]
    assert (one["verdict"], one["verdict_seeds"]) == ("ahead", "too few differ")
    assert corrected({"a": paired(six)}).loc["a", "verdict_seeds"] == "ahead"


def test_where_too_few_seeds_differ_they_are_counted_and_the_best_come_first() -> None:
    found = {
        "equal": [0.0] * 10,
        "worse": [-0.1] * 3 + [0.0] * 7,
        "both": [0.1, 0.1, -0.1] + [0.0] * 7,
        "behind": [-0.1] * 10,
        "mixed": [0.2, -0.1] * 5,
        "ahead": [0.1] * 10,
    }
    tests = {name: paired(differences, range(10)) for name, differences in found.items()}
    assert by_standing(corrected(tests)) == {
        "ahead": ["ahead"],
        "better at 2 and worse at 1 of 10 seeds": ["both"],
        "equal": ["equal"],
        "no difference shown": ["mixed"],
        "worse at 3 of 10 seeds": ["worse"],
        "behind": ["behind"],
    }


def test_the_harmonic_means_are_compared_group_by_group(suite: Suite) -> None:
    found = every_shot(
        suite, lambda label, group, shot, _: float(label == "base" or shot.object != "church")
    )
    assert comparisons(found, OBJECTS)["pairs"]["weak"] == 6


@pytest.mark.parametrize(
    ("answers", "kappa"),
    [
        # chance agrees on 0.5 · 0.6 + 0.5 · 0.4 = 0.5
        ([(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15, 0.4),
        ([(1, 1), (0, 0)], 1),
        ([(1, 1), (1, 0), (0, 1), (0, 0)], 0),
        ([(1, 0), (0, 1)], -1),
        ([(1, 1), (1, 1)], None),
        ([(1, 1), (0, 1)], None),
    ],
)
def test_kappa_of_tables_by_hand(answers: list[tuple[int, int]], kappa: float | None) -> None:
    frame = pd.DataFrame(answers)
    assert cohens_kappa(frame[0], frame[1]) == (kappa and pytest.approx(kappa))


def test_only_judges_of_the_same_thing_make_pairs(content: dict[str, Any]) -> None:
    judges = [OBJECTS, "demo_styles", "pixel_distance", "transformer_objects"]
    suite = parse_suite("small", content | {"judges": judges})
    assert list(judge_pairs(suite)) == [(OBJECTS, "transformer_objects")]


def test_agreement_tells_the_base_model_what_was_forgotten_and_what_should_stay(
    content: dict[str, Any],
) -> None:
    judges = (OBJECTS, "transformer_objects")
    suite = parse_suite("small", content | {"judges": list(judges)})
    church, cat = (shot(name, "beach", 1) for name in ("church", "cat"))
    asked = [
        ("base", "", church, 1, 1),
        ("base", "", cat, 1, 1),
        ("fia", "one", church, 0, 1),
        ("fia", "one", cat, 1, 1),
    ]
    rows = [
        (label, group, what, judge, value)
        for label, group, what, *values in asked
        for judge, value in zip(judges, values, strict=True)
    ]
    only_one_saw = ("base", "", shot("church", "beach", 2), OBJECTS, 1)
    lines = agreement_table(measured(suite, [*rows, only_one_saw]), *judges).splitlines()[4:]
    assert lines == [
        "| all pictures | 4 | 75.0 | 100.0 | 75.0 | – |",
        "| the base model's | 2 | 100.0 | 100.0 | 100.0 | – |",
        "| of what was forgotten | 1 | 0.0 | 100.0 | 0.0 | – |",
        "| of what should stay | 1 | 100.0 | 100.0 | 100.0 | – |",
    ]
    assert agreement_table(measured(suite, [only_one_saw]), *judges) == ""


def test_what_is_better_at_every_seed_or_by_the_test_is_named(suite: Suite) -> None:
    def lines(differences: list[float], seeds: Sequence[int] = SEEDS) -> list[str]:
        tests = corrected({"weak": paired(differences, seeds)})
        return behind_lines(suite, "harmonic mean", tests)

    assert lines([-0.1, -0.2, -0.3, -0.4, -0.5, -0.6]) == [
        "- [small](small.md), harmonic mean: weak by 35.00 points: FIA is behind"
    ]
    (line,) = lines([-0.1, -0.2, -0.3, -0.4, -0.5])
    assert line.endswith(" by 30.00 points: FIA is worse at 5 of 5 seeds")
    assert not lines([-0.1, -0.2]) and not lines([-0.1, -0.2, 0.3])
    assert not lines([-0.1, -0.2, -0.3, -0.4, -0.5, -0.6], [1, 1, 2, 2, 3, 3]), "too few seeds"
    assert lines([0.01, *([-0.1] * 9)], range(10)), "by the test alone"


def test_a_line_says_what_was_found_before_and_after(content: dict[str, Any]) -> None:
    suite = parse_suite("small", content | {"groups": content["groups"][:1]})
    found = every_shot(
        suite, lambda label, group, shot, _: float(not group or shot.object != "church")
    )
    shares = ["100.0 → 0.0 ± 0.0", "100.0 → 100.0 ± 0.0", "100.0 ± 0.0"]
    assert suite_lines(found, "ahead: all") == [["[small](small.md)", "one", *shares, "ahead: all"]]


def test_a_peer_counts_in_the_setting_that_leaves_the_reference_the_least_ahead(
    content: dict[str, Any],
) -> None:
    peers = [{"use": "uce"}, {"use": "uce", "label": "UCE, better"}, {"use": "sld"}]
    suite = parse_suite("small", content | {"methods": [*content["methods"], *peers]})
    far, equal = (paired([value] * 10, range(10)) for value in (1.0, 0.0))
    tests = corrected({"weak": equal, "uce": far, "UCE, better": equal, "sld": far})
    assert against_peers(suite, tests) == "ahead: SLD; equal: UCE"
    assert against_peers(suite, corrected({"sld": paired([1.0])})) == "better at 1 of 1 seeds: SLD"
    assert against_peers(suite, corrected({"weak": far})) == ""
