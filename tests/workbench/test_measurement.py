"""Rows survive an interruption; tables are means and deviations over seeds."""

from pathlib import Path

import pytest

from demo_model.vocabulary import IMAGENETTE, OBJECTS
from workbench import measurement
from workbench.erasure import PLAIN, SCENES, Case, Shot, shots
from workbench.measurement import Ledger, Row
from workbench.tables import erasure_report, harmonic_mean, outcome

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


def test_rows_of_another_version_are_not_added_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(tmp_path / "rows.csv").add([Row(PLAIN, Shot("cat", "ocean", 1), True)])
    monkeypatch.setattr(measurement, "version", lambda: "two")
    old = Ledger(tmp_path / "rows.csv")
    assert len(old.rows) == 1  # to report
    with pytest.raises(ValueError, match=r"version one .* now two; --fresh"):
        old.require_current()
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


def test_the_report_names_what_was_asked_and_the_best_strength() -> None:
    asked = [Shot(name, "beach", seed) for name in ("church", "cat") for seed in (1, 2)]
    rows = [Row(PLAIN, shot, True) for shot in asked]
    for strength, right in ((1.0, (True, False)), (1.5, (False, False)), (2.0, (False, False))):
        church = Case(("church",), strength)
        rows += [
            Row(church, shot, right[shot.seed - 1] if shot.object == "church" else True)
            for shot in asked
        ]
    report = erasure_report(rows)
    assert "16 pictures" in report and "seeds 1 to 2" in report and "scenes beach" in report
    assert "## Strength 1 (the paper's)" in report
    assert "| church | 100.0 ± 0.0 | 50.0 ± 70.7 | 100.0 ± 0.0 | 100.0 ± 0.0 | 100.0 % |" in report
    assert "| church | 1.5 | 100.0 % |" in report
    assert "| cat | 100.0 ± 0.0 |" in report
    assert "Best strength" not in erasure_report([row for row in rows if row.case.strength <= 1])
