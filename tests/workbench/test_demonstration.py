"""What demo.py refuses, writes and leaves alone."""

from pathlib import Path

import pytest
from PIL import Image

from demo_model.vocabulary import OBJECTS
from workbench.demonstration import (
    DemonstrationError,
    accuracy_table,
    offer_workflow,
    parse_forget,
)
from workbench.erasure import FIRST_STEPS, Answer, Case, Shot
from workbench.grid import SIDE


def test_names_are_separated_by_commas() -> None:
    assert parse_forget(" Church,  golf   ball,") == ("church", "golf ball")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("church, dragon", "does not know 'dragon'. It knows: church"),
        ("church, church", "'church' is there twice"),
        ("", "at least one object"),
        (", ".join(OBJECTS), "leave at least one"),
    ],
)
def test_a_wrong_choice_is_refused(text: str, message: str) -> None:
    with pytest.raises(DemonstrationError, match=message):
        parse_forget(text)


def test_the_workflow_is_offered_and_never_overwritten(tmp_path: Path) -> None:
    saved = offer_workflow(tmp_path / "workflows")
    assert saved.read_bytes() == FIRST_STEPS.read_bytes()
    saved.write_text("changed by its user")
    assert offer_workflow(tmp_path / "workflows") == saved
    assert saved.read_text() == "changed by its user"


def answers(colour: str, right: dict[str, list[bool]]) -> list[Answer]:
    """One answer a seed for every object; those that are not named are right."""
    picture = Image.new("RGB", (SIDE, SIDE), colour)
    return [
        Answer(Shot(name, "beach", seed), picture, right.get(name, [True, True])[seed])
        for name in OBJECTS
        for seed in (0, 1)
    ]


def test_the_table_has_means_and_every_object() -> None:
    before = answers("red", {"cat": [True, False]})
    after = answers("blue", {"church": [False, False], "cat": [False, False]})
    lines = accuracy_table(before, after, Case(("church",), 1.5)).splitlines()
    assert lines[0] == "The judge finds the object, strength 1.5:"
    cells = {line[:22].strip(): line[22:].split() for line in lines[2:]}
    assert cells["church"] == cells["forgotten"] == ["100%", "0%", "2"]
    assert cells["cat"] == ["50%", "0%", "2"]
    assert cells["kept"] == ["97%", "95%", "38"]  # 37 and 36 of 38
    assert list(cells) == ["forgotten", "church", "kept", *(n for n in OBJECTS if n != "church")]
