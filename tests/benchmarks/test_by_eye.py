"""Pictures on sheets that say nothing of their method, and what readers named on them."""

from math import ceil
from pathlib import Path

import pytest
from measured import fill, paint
from PIL import Image

from benchmarks.harness.by_eye import (
    ACROSS,
    DOWN,
    NO_NAME,
    SIDE,
    agreement,
    answers,
    sheets,
    take,
    tiles,
)
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
    assert sorted(drawn) == sorted(inks[run.method, shot] for run, shot in shown.values())


def test_numbers_are_the_same_again_and_not_by_method(suite: Suite) -> None:
    every, weak = tiles(suite, ()), tiles(suite, ["weak"])
    methods = [run.method for run, _ in every.values()]
    assert methods != sorted(methods) and set(methods) == {BASE, "fia", "weak"}
    assert {run.method for run, _ in weak.values()} == {BASE, "weak"}
    assert weak.items() <= every.items(), "another batch has the same numbers"
    with pytest.raises(ValueError, match="'fiaa'"):
        tiles(suite, ["fiaa"])


def test_more_than_half_of_the_readings_decide(suite: Suite) -> None:
    rows, shown = fill(Rows(), plan(suite)), tiles(suite, ())
    right = {number: shot.object for number, (_, shot) in shown.items()}
    nothing = dict.fromkeys(right, NO_NAME)
    first = next(iter(shown))
    take(rows, shown, [right, right | {first: NO_NAME}, nothing], "object")
    found = [rows.pictures[tile].values[BY_EYE] for tile in shown.values()]
    assert found == [0.0, *[1.0] * (len(shown) - 1)]
    take(rows, shown, [right, nothing], "object")
    assert {rows.pictures[tile].values[BY_EYE] for tile in shown.values()} == {0.0}
    assert agreement([right, right, nothing]) == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 church\n2 golf ball\n\n", r"first\.txt: has no line for tile 4"),
        ("1 church\n2 none\n4 chruch\n", "'4 chruch': write a number and none or one of church"),
        ("1\n", "'1': write a number"),
        ("x church\n", "'x church': write a number"),
        ("1 church\n1 none\n", "'1 none': no sheet has this tile, or it stands here twice"),
        ("3 church\n", "'3 church': no sheet has this tile"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "first.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        answers(path, [1, 2, 4], ["church", "golf ball"])
    path.write_text(" 4 none\n1 church\n2 golf ball\n")
    assert answers(path, [1, 2, 4], ["church", "golf ball"]) == {
        1: "church",
        2: "golf ball",
        4: "none",
    }


def test_no_suite_can_ask_readers_while_it_draws() -> None:
    with pytest.raises(ValueError, match="by_eye"):
        JUDGES[BY_EYE].load()
