"""Sweeps read as lines, and compared where they keep an equal share."""

from pathlib import Path
from typing import Any

import pytest
from measured import every_shot, measured

from benchmarks.analysis.curves import curve_parts
from benchmarks.analysis.equal_kept import against
from benchmarks.analysis.lines import Line, Point, lines, ranked
from benchmarks.harness.shots import Shot, base_shots
from benchmarks.harness.suite import Suite, Sweep
from benchmarks.harness.suite_file import LISTS, parse_suite, read_toml

OBJECTS = read_toml(LISTS)["objects"]
TEN = {"name": "ten", "concepts": OBJECTS[:10], "kept": OBJECTS[10:], "neighbours": OBJECTS[10:15]}


def point(kept: float, left: float, value: str = "1") -> Point:
    return Point(value, {f"scale {value}": 1.0}, kept, kept, left, moved=0.02)


def line(label: str, *points: Point) -> Line:
    sweep = Sweep(use="nag", label=f"nag, {label}", setting="scale", values=(1.0, 2.0))
    return Line(sweep, (point(1, 1, "plain"), *points))


def test_a_line_is_read_at_a_kept_share() -> None:
    slow = line("slow", point(0.96, 0.6, "1"), point(0.86, 0.2, "2"))
    at_90, at_80 = slow.at(0.9), slow.at(0.8)
    assert at_90.left == pytest.approx(0.36) and at_90.value == "1 to 2"
    assert at_90.parts == pytest.approx({"scale 1": 0.4, "scale 2": 0.6})
    assert (at_80.left, at_80.kept) == (0.2, 0.86), "the line ends there"
    steep = line("steep", point(0.2, 0.0))
    assert steep.at(0.9).left == pytest.approx(0.875)
    late = line("late", point(0.9, 0.36), point(0.8, 0.1))
    assert ranked([steep, slow, late])["nag"][0] is late, "80 % decides ties"
    assert [one.title for one in ranked([steep, slow])["nag"]] == ["slow", "steep"]


@pytest.fixture
def suite(content: dict[str, Any]) -> Suite:
    """Two lines of NAG."""
    content |= {
        "judges": ["demo_objects", "pixel_distance"],
        "groups": [{"name": "one", "concepts": ["church"]}],
        "methods": [{"use": "base"}],
        "reference": "nag, weak, scale 1.0",
        "curves": True,
        "sweeps": [
            {"use": "nag", "label": f"nag, {name}", "setting": "scale", "values": [value, 9.0]}
            | ({"own": 9.0} if name == "weak" else {})
            for name, value in (("weak", 1.0), ("strong", 5.0))
        ],
    }
    return parse_suite("natural/small", content)


def test_the_tables_are_of_the_rows(suite: Suite, tmp_path: Path) -> None:
    """A third of the forgotten is left by NAG at scale 1, nothing at 5."""
    found = {"nag, weak, scale 1.0": 1 / 3, "nag, strong, scale 5.0": 0.0, "base": 1.0}
    rows = []
    for seed in suite.seeds:
        shots = base_shots(suite, suite.conditions[0], seed)
        churches = [shot for shot in shots if shot.object == "church"]
        for shot in shots:
            for label, share in found.items():
                left = churches[: round(3 * share)]
                named = float(shot not in churches or shot in left)
                group = "" if label == "base" else "one"
                rows.append((label, group, shot, "demo_objects", named))
    made = measured(suite, rows)
    assert [it.left for it in lines(made)[0].points] == [1.0, pytest.approx(1 / 3)]
    page = "\n\n".join(curve_parts(made, tmp_path / "curves.png"))
    assert "| NAG | strong, scale 5.0 | **0 %** (keeps 100 %) | – |" in page
    assert page.index("| NAG | strong") < page.index("| NAG | weak"), "the best line first"
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_lines_are_compared_at_an_equal_kept_share(
    suite: Suite, content: dict[str, Any], tmp_path: Path
) -> None:
    """At half of the way to scale 9, where 90 % is kept, the weak line has forgotten half, the
    strong one a quarter. Of neighbours twice as many are lost."""
    few = {"groups": [TEN], "seeds": [0, 1]}
    of_tests = parse_suite("small", content | few)

    def value(label: str, _: str, shot: Shot, judge: str) -> float:
        if not label.endswith("scale 9.0"):
            return 1.0
        if shot.object in TEN["concepts"]:
            return 0.0 if "weak" in label else 0.5
        return 0.6 if shot.object in TEN["neighbours"] else 1.0

    made = every_shot(of_tests, value)
    weak, strong = lines(made)
    at = weak.at(0.9)
    assert (at.left, at.neighbours) == pytest.approx((0.5, 0.8))
    assert weak.own and weak.own.left == 0
    ((found,),) = against(made, weak, [strong], [0.9])
    assert found.line is strong and found.difference == pytest.approx(0.25)
    assert 0.1 < found.low < 0.25 < found.high <= 0.5, "how much is kept depends on the names"
    assert found.p == pytest.approx(2 / 10_001), "no draw is on the other side"
    page = "\n\n".join(curve_parts(made, tmp_path / "curves.png"))
    assert "NAG (weak) against the others" in page and "| NAG | strong | +25.0 (" in page
    assert "| 0 % · 80 % |" in page, "the authors' own setting"
