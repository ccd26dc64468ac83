"""A judge that a suite has gained sees what was drawn before, and nothing twice."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.harness import places as places_module
from benchmarks.harness.late_judging import judge_drawn
from benchmarks.harness.ledger import Ledger, Origin, Row
from benchmarks.harness.places import Places
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import parse_suite

ORIGIN = Origin("earlier", "fia", "s", "one", ("church",))


def test_the_rows_of_a_further_judge_are_added_once(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, "ROOT", tmp_path)
    judges = ["demo_objects", "transformer_objects", "pixel_distance"]
    suite, places = parse_suite("small", content | {"judges": judges}), Places("small")
    shots = [Shot(name, "beach", "", name, 1) for name in ("church", "nothing")]
    ledger = Ledger(tmp_path / "rows.csv")
    ledger.add(Row(ORIGIN, shot, "demo_objects", 1.0, 2.5) for shot in shots)
    ledger.add([Row(ORIGIN, Shot("", "", "", "", 0), "preparation_seconds", 3.0, 3.0)])

    with pytest.raises(ValueError, match="small: 2 pictures are not there"):
        judge_drawn(suite, ledger, places)
    for shot in shots:
        path = places.picture(ORIGIN, shot)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (128, 128), "grey").save(path)

    assert judge_drawn(suite, ledger, places) == 2
    assert Ledger(ledger.path).rows[3:] == [
        Row(ORIGIN, shots[0], "transformer_objects", 0.0, 2.5),
        Row(ORIGIN, shots[1], "transformer_objects", 1.0, 2.5),
    ]
    assert judge_drawn(suite, ledger, places) == 0
