"""How the concepts are named in a negative prompt."""

from collections.abc import Mapping
from typing import Any

from demo_model.vocabulary import with_article

WORDINGS = ("list", "caption")


def negative_words(concepts: tuple[str, ...], settings: Mapping[str, Any]) -> str:
    """``wording`` "list": ``"church, apple"``, as people write it; "caption": ``"a church and an
    apple"``, as the bundled model's training captions name things.

    Raises:
        ValueError: another wording.
    """
    wording = settings.get("wording", WORDINGS[0])
    if wording not in WORDINGS:
        raise ValueError(f"wording: is {wording!r}; choose one of {', '.join(WORDINGS)}")
    if wording == "list":
        return ", ".join(concepts)
    return " and ".join(map(with_article, concepts))
