"""What demo.py refuses, writes and leaves alone."""

from pathlib import Path

import pytest

from demo_model.vocabulary import OBJECTS
from workbench.demonstration import (
    DemonstrationError,
    offer_workflow,
    parse_forget,
)
from workbench.erasure import FIRST_STEPS


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
