"""Values of a TOML file, checked: what has another type is refused with its key and the mend.

``where`` stands before the key in a message, for values inside a table.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .suite import SuiteError


def require_known(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Raise SuiteError if the table has a key that is not ``known``."""
    for key in table:
        if key not in known:
            raise SuiteError(f"{where}{key}: unknown; known are {', '.join(sorted(known))}")


def table_of(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A table; empty where it is missing."""
    value = content.get(key, {})
    if not isinstance(value, dict):
        raise SuiteError(f"{key}: is {value!r}; write it as a table [{key}]")
    return dict(value)


def tables_of(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of tables; empty where it is missing."""
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise SuiteError(f"{key}: is {value!r}; write each as a table [[{key}]]")
    return value


_MISSING: Any = object()


def text_of(content: Mapping[str, Any], key: str, default: Any = _MISSING, where: str = "") -> str:
    """A text that is not blank, without surrounding blanks; or the default where it is missing."""
    value = content.get(key, default)
    if value is _MISSING:
        raise SuiteError(f"{where}{key}: is missing; give a text")
    if not isinstance(value, str) or (not value.strip() and value is not default):
        raise SuiteError(f"{where}{key}: is {value!r}; give a text")
    return value.strip()


def texts_of(
    content: Mapping[str, Any], key: str, least: int = 1, where: str = ""
) -> tuple[str, ...]:
    """A list of at least ``least`` texts, none twice; empty where it is missing."""
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise SuiteError(f"{where}{key}: is {value!r}; give a list of texts")
    if len(value) < least:
        raise SuiteError(f"{where}{key}: is empty; give at least {int(least)}")
    if len(set(value)) < len(value):
        raise SuiteError(f"{where}{key}: has a text twice: {', '.join(value)}")
    return tuple(value)


def numbers_of(content: Mapping[str, Any], key: str) -> tuple[int, ...]:
    """A list of at least one whole number, none twice."""
    value = content.get(key)
    if not isinstance(value, list) or not value or not all(type(item) is int for item in value):
        raise SuiteError(f"{key}: is {value!r}; give a list of whole numbers, at least one")
    if len(set(value)) < len(value):
        raise SuiteError(f"{key}: has a number twice: {value}")
    return tuple(value)


def number_of(content: Mapping[str, Any], key: str, default: int) -> int:
    """A whole number; the default where it is missing."""
    value = content.get(key, default)
    if type(value) is not int:
        raise SuiteError(f"{key}: is {value!r}; give a whole number")
    return value


def choice_of(content: Mapping[str, Any], key: str, known: Sequence[str], default: str) -> str:
    """One of the ``known`` texts; the default where it is missing."""
    value = content.get(key, default)
    if value not in known:
        raise SuiteError(f"{key}: is {value!r}; choose one of {', '.join(known)}")
    return value


def truth_of(content: Mapping[str, Any], key: str, default: bool) -> bool:
    """true or false; the default where it is missing."""
    value = content.get(key, default)
    if not isinstance(value, bool):
        raise SuiteError(f"{key}: is {value!r}; write true or false")
    return value
