"""Checks of what profiles and masks both have: texts, settings, JSON."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

JsonScalar = str | int | float | bool | None
Settings = dict[str, JsonScalar]


def require_texts(name: str, texts: Sequence[str], least: int = 1) -> None:
    """Raise ValueError unless ``texts`` is a tuple of at least ``least`` texts, none blank."""
    if not isinstance(texts, tuple) or len(texts) < least:
        raise ValueError(f"{name}: is {texts!r}; give a tuple of at least {least}.")
    for text in texts:
        require_text(name, text)


def require_text(name: str, text: str) -> None:
    """Raise ValueError unless ``text`` is a text that is not blank."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{name}: has {text!r}; give a text that is not blank.")


def same_words(text: str) -> str:
    """``text`` as two texts are compared: neither case nor blanks count."""
    return " ".join(text.casefold().split())


def require_settings(name: str, settings: Mapping[str, JsonScalar]) -> None:
    """Raise ValueError unless ``settings`` maps texts to JSON scalars, all numbers finite."""
    if not isinstance(settings, dict):
        raise ValueError(f"{name}: is {type(settings).__name__}; give a dict.")
    for key, value in settings.items():
        require_text(name, key)
        scalar = value is None or isinstance(value, str | int | float)
        if not scalar or (isinstance(value, float) and not isfinite(value)):
            raise ValueError(f"{name}: {key} is {value!r}; give text, number, bool or None.")


def require_json(name: str, value: Mapping[str, Any]) -> None:
    """Raise ValueError unless ``value`` is a dict that JSON can hold."""
    if not isinstance(value, dict):
        raise ValueError(f"{name}: is {type(value).__name__}; give a dict.")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name}: is no JSON ({error}); give only JSON values.") from error
