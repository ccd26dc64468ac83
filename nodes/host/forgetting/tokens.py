"""Which row of a prompt's text is which token of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from comfy.sd import CLIP

from ....fia_core.closed_form import Token, align

MOST_PADDING = 16
"""Rows of padding on a side that are looked at. An encoder writes the prompt into them, too."""


@dataclass(frozen=True)
class Caption:
    """A prompt's text as a model's text layers read it.

    Attributes:
        words: its tokens, without padding.
        rows: (tokens, C), a row each.
        before, after: rows of padding, the nearest to the words first; at most ``MOST_PADDING``.
    """

    words: tuple[Token, ...]
    rows: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor

    @property
    def all_rows(self) -> torch.Tensor:
        """With the padding."""
        return torch.cat([self.rows, self.before, self.after])


def caption(tokens: Sequence[Token], rows: torch.Tensor) -> Caption:
    """Part words from padding.

    Args:
        tokens: of the whole text, with its padding.
        rows: (tokens, C).
    """
    first = max(_run(tokens) - 1, 0)
    last = len(tokens) - max(_run(tokens[::-1]) - 1, 0)
    if last <= first:  # one token, again and again
        first, last = 0, 1
    return Caption(
        tuple(tokens[first:last]),
        rows[first:last].clone(),
        _thinned(rows[:first].flip(0)),
        _thinned(rows[last:]),
    )


def pair(one: Caption, other: Caption) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of two captions that say the same, (n, C) each."""
    pairs = align(one.words, other.words)
    parts = [(one.rows[[i for i, _ in pairs]], other.rows[[j for _, j in pairs]])]
    for mine, its in ((one.before, other.before), (one.after, other.after)):
        both = min(len(mine), len(its))
        parts.append((mine[:both], its[:both]))
    read, wanted = zip(*parts, strict=True)
    return torch.cat(read), torch.cat(wanted)


def tokens_of(clip: CLIP, prompt: str, rows: int) -> list[Token]:
    """The tokens of a prompt, one for each of so many rows of its text.

    The host does not say which encoders' tokens these are, nor what a template took off, so the
    number tells: that of one encoder, of several after each other, or of one without the beginning
    that all prompts share, or without padding at its end.
    """
    encoders = [list(_tokens(batches)) for batches in clip.tokenize(prompt).values()]
    for count in range(1, len(encoders) + 1):
        for some in combinations(encoders, count):
            if sum(map(len, some)) == rows:
                return [token for one in some for token in one]
    longest = max(encoders, key=len)
    if len(longest) < rows:  # what the model adds by itself
        return [*longest, *["added"] * (rows - len(longest))]
    is_padding = len(set(longest[rows - 1 :])) == 1
    return longest[:rows] if is_padding else longest[len(longest) - rows :]


def _tokens(batches: list[list[tuple[Any, ...]]]) -> Iterator[Token]:
    for batch in batches:
        for token, *_ in batch:
            yield token if isinstance(token, int) else f"vector {token.tolist()}"


def _run(tokens: Sequence[Token]) -> int:
    """How many tokens at the beginning are the same."""
    return next((i for i, token in enumerate(tokens) if token != tokens[0]), len(tokens))


def _thinned(rows: torch.Tensor) -> torch.Tensor:
    """``MOST_PADDING`` rows at most, at equal distances."""
    step = -(-len(rows) // MOST_PADDING) or 1
    return rows[::step].clone()
