"""Texts with concepts in them, and as the denoiser reads them, token by token."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from comfy.sd import CLIP
from pydantic import AfterValidator, Field
from torch import Tensor

from ...nodes.host.profiling.conditioning import encode_prompts

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


@dataclass(frozen=True)
class TextStates:
    """One encoded text.

    Attributes:
        rows: a row a token, with marks and padding, (tokens, width) float64.
        start: where its words begin: 1 after a start mark, 0 where the encoder has none.
        last: where its last word's last token is; 0 in an empty text.
    """

    rows: Tensor
    start: int
    last: int

    @property
    def name(self) -> Tensor:
        """The last word's last token, which has seen the whole name: (width,)."""
        return self.rows[self.last]

    @property
    def words(self) -> Tensor:
        """The tokens of its words, (words, width)."""
        return self.rows[self.start : self.last + 1]


def text_states(clip: CLIP, texts: Sequence[str]) -> list[TextStates]:
    """Every text by itself, in order.

    Raises:
        ValueError: a text fills more than one chunk of the text encoder.
    """
    encoded = encode_prompts(clip, texts)
    return [
        TextStates(prompt["cond"][0].double(), *_places(clip, text))
        for text, prompt in zip(texts, encoded, strict=True)
    ]


def _places(clip: CLIP, text: str) -> tuple[int, int]:
    """Where the words begin, and where the last one ends."""
    (encoder, chunks), *_ = clip.tokenize(text).items()
    if len(chunks) > 1:
        raise ValueError(f"concepts: the text encoder cannot hold {text!r} at once. Shorten it.")
    tokens, empty = (
        [token for token, *_ in row] for row in (chunks[0], clip.tokenize("")[encoder][0])
    )
    start = int(tokens[0] == empty[0])  # a start mark, or an empty text
    return start, max(0, tokens.index(empty[start], start) - 1)
