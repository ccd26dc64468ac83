"""Rows survive an interruption; those of other code or settings are not mixed with new ones."""

from pathlib import Path

import pytest

from benchmarks.harness.ledger import Ledger, LedgerError, Origin, Row
from benchmarks.harness.shots import Shot

FIA = Origin("v1", "fia", "s1", "pair", ("church", "golf ball"))
BASE = Origin("v1", "base", "s0", "", ())
CHURCH = Shot("church", "beach", "", "a church, on a beach", 1, "half")
CAT = Shot("cat", "ocean", "", "a cat", 2)
ROWS = [Row(FIA, CHURCH, "demo_objects", 0.0, 1.25), Row(BASE, CAT, "pixel_distance", 0.125, 0.5)]


def test_rows_come_back_from_the_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "rows.csv")
    for row in ROWS:
        ledger.add([row])
    assert Ledger(tmp_path / "deep" / "rows.csv").rows == ROWS


def test_what_is_answered_is_known_by_all_that_made_it(tmp_path: Path) -> None:
    Ledger(tmp_path / "rows.csv").add(ROWS)
    ledger = Ledger(tmp_path / "rows.csv")
    assert ledger.has(FIA, CHURCH, "demo_objects")
    assert not ledger.has(BASE, CHURCH, "demo_objects")
    assert not ledger.has(FIA, CAT, "demo_objects")
    assert not ledger.has(FIA, CHURCH, "demo_styles")


def test_rows_of_other_code_or_settings_are_refused_by_method(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "rows.csv")
    ledger.add(ROWS)
    ledger.require_current({"fia"}, {("v1", "s1")})
    for current in (("v2", "s1"), ("v1", "s2")):
        with pytest.raises(LedgerError, match=r"rows of 'fia' .* --fresh --method 'fia'"):
            ledger.require_current({"fia"}, {current})
        ledger.require_current({"base"}, {("v1", "s0")})


def test_only_the_dropped_methods_are_lost(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "rows.csv")
    ledger.add(ROWS)
    ledger.drop({"fia"})
    assert ledger.rows == Ledger(tmp_path / "rows.csv").rows == ROWS[1:]
    assert not ledger.has(FIA, CHURCH, "demo_objects")
    ledger.drop({"base"})
    assert not (tmp_path / "rows.csv").exists()


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("version,forget\n1,church\n")
    with pytest.raises(LedgerError, match=r"has columns version, forget; rows have version"):
        Ledger(tmp_path / "rows.csv")
