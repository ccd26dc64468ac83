"""Texts as the denoiser reads them, token by token."""

from collections.abc import Sequence
from dataclasses import dataclass

from comfy.sd import CLIP
from torch import Tensor

from ...nodes.host.denoising.conditioning import encode_prompts


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
