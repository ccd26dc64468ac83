"""Rows survive an interruption; tables are means and deviations over seeds."""

from pathlib import Path

import pytest

from demo_model.vocabulary import IMAGENETTE, OBJECTS
from workbench import measurement
from workbench.erasure import PLAIN, SCENES, Case, Shot, shots
from workbench.measurement import Ledger, Row
from workbench.tables import harmonic_mean, outcome

CHURCH = Case(("church",), 1.0)


@pytest.fixture(autouse=True)
def fixed_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "version", lambda: "one")


def test_rows_come_back_from_the_file(tmp_path: Path) -> None:
    rows = [
        Row(Case(("church", "golf ball"), 1.5), Shot("church", "beach", 1), True),
        Row(PLAIN, Shot("cat", "ocean", 2), False),
    ]
    ledger = Ledger(tmp_path / "rows.csv")
    for row in rows:
        ledger.add([row])
    assert Ledger(tmp_path / "rows.csv").rows == rows


def test_only_unanswered_shots_are_missing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "rows.csv")
    first, second = Shot("church", "beach", 1), Shot("church", "beach", 2)
    ledger.add([Row(CHURCH, first, True)])
    assert ledger.missing(CHURCH, [first, second]) == [second]
    assert ledger.missing(PLAIN, [first]) == [first]


def test_rows_of_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(tmp_path / "rows.csv").add([Row(PLAIN, Shot("cat", "ocean", 1), True)])
    monkeypatch.setattr(measurement, "version", lambda: "two")
    with pytest.raises(ValueError, match=r"version one .* now two; --fresh"):
        Ledger(tmp_path / "rows.csv")
    assert Ledger(tmp_path / "rows.csv", fresh=True).rows == []


def test_shots_ask_everything_and_pair_with_the_plain_model() -> None:
    for seed in range(5):
        plain = set(shots(IMAGENETTE, seed))
        for name in IMAGENETTE:
            asked = shots((name,), seed)
            assert set(asked) <= plain
            assert {shot.scene for shot in asked if shot.object == name} == set(SCENES)
            assert {shot.object for shot in asked} == set(OBJECTS)


def test_kept_scenes_go_round_with_the_seed() -> None:
    seen = {shot.scene for seed in range(5) for shot in shots(("church",), seed)}
    cat = {s.scene for seed in range(5) for s in shots(("church",), seed) if s.object == "cat"}
    assert seen == cat == set(SCENES)


def test_an_outcome_compares_the_same_shots_only() -> None:
    church = [Shot("church", "beach", seed) for seed in (1, 2)]
    cat = [Shot("cat", "beach", seed) for seed in (1, 2)]
    rows = [Row(PLAIN, shot, True) for shot in (*church, *cat)]
    rows += [Row(PLAIN, Shot("cat", "ocean", 1), False)]  # the case was not asked this
    rows += [Row(CHURCH, church[0], True), Row(CHURCH, church[1], False)]
    rows += [Row(CHURCH, shot, True) for shot in cat]
    result = outcome(CHURCH, rows)
    assert result.forgotten_before.by_seed == (1, 1)
    assert result.forgotten.by_seed == (1, 0)
    assert str(result.forgotten) == "50.0 ± 70.7"
    assert result.kept_before.by_seed == result.kept.by_seed == (1, 1)
    assert result.kept_share == 1
    assert harmonic_mean(result) == pytest.approx(2 / 3)
