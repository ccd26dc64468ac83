"""Templates of texts with the place of a concept in them."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

PLACEHOLDER = "{concept}"


def _with_placeholder(template: str) -> str:
    if PLACEHOLDER not in template:
        raise ValueError(f"{template!r} has no {PLACEHOLDER}; put it in")
    return template


Template = Annotated[str, AfterValidator(_with_placeholder)]
Templates = Annotated[tuple[Template, ...], Field(min_length=1)]
"""Texts in which each concept is put."""


def filled(templates: Iterable[str], concepts: Sequence[str]) -> list[str]:
    """Every template with every concept; those of the first template come first."""
    return [form.replace(PLACEHOLDER, concept) for form in templates for concept in concepts]
