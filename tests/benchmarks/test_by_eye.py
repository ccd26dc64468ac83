"""Pictures on sheets that say nothing of their method, and what readers named on them."""

from math import ceil
from pathlib import Path

import pytest
from measured import fill, paint
from PIL import Image

from benchmarks.harness.by_eye import ACROSS, DOWN, SIDE, answers, sheets, take, tiles
from benchmarks.harness.places import Places
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite import BASE, Suite
from benchmarks.judges import JUDGES
from benchmarks.judges.by_eye import BY_EYE


def test_every_picture_is_on_a_sheet_and_none_twice(suite: Suite, places: Places) -> None:
    inks: dict[tuple[str, Shot], tuple[int, int, int]] = {}

    def colour(label: str, shot: Shot) -> Image.Image:
        ink = inks.setdefault((label, shot), (len(inks), 100, 200))
        return Image.new("RGB", (8, 8), ink)

    paint(suite, places, colour)
    shown = tiles(suite, ())
    pages = list(sheets(shown, places))
    assert len(pages) == ceil(len(shown) / (ACROSS * DOWN))
    drawn = [ink for page in pages for n, ink in page.getcolors(1 << 20) or [] if n == SIDE**2]
    assert sorted(drawn) == sorted(inks[run.method, shot] for run, shot in shown)


def test_the_order_is_the_same_again_and_not_by_method(suite: Suite) -> None:
    methods = [run.method for run, _ in tiles(suite, ())]
    assert methods == [run.method for run, _ in tiles(suite, ())]
    assert methods != sorted(methods) and set(methods) == {BASE, "fia", "weak"}
    assert {run.method for run, _ in tiles(suite, ["weak"])} == {BASE, "weak"}
    with pytest.raises(ValueError, match="'fiaa'"):
        tiles(suite, ["fiaa"])


def test_more_than_half_of_the_readers_decide(suite: Suite) -> None:
    rows, shown = fill(Rows(), plan(suite)), tiles(suite, ())
    right = {n: shot.object for n, (_, shot) in enumerate(shown, 1)}
    nothing = dict.fromkeys(right, "none")
    take(rows, shown, [right, right | {1: "none"}, nothing], "object")
    found = [rows.pictures[tile].values[BY_EYE] for tile in shown]
    assert found == [0.0, *[1.0] * (len(shown) - 1)]
    take(rows, shown, [right, nothing], "object")
    assert {rows.pictures[tile].values[BY_EYE] for tile in shown} == {0.0}


def test_a_tile_without_an_answer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "first.txt"
    path.write_text("1 church\n2 golf ball\n\n4 none\n")
    assert answers(path, 2) == {1: "church", 2: "golf ball", 4: "none"}
    with pytest.raises(ValueError, match=r"first\.txt: has no line for tile 3"):
        answers(path, 4)


def test_no_suite_can_ask_readers_while_it_draws() -> None:
    with pytest.raises(ValueError, match="by_eye"):
        JUDGES[BY_EYE].load()
