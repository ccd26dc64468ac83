"""Choices of demo.py that cannot be followed are refused with what is possible."""

import pytest

from demo_model.vocabulary import OBJECTS
from workbench.demonstration import DemonstrationError, parse_forget


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
