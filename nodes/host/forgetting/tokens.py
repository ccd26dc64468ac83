"""Which row of a prompt's text is which token of it."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from comfy.sd import CLIP
from comfy.sd1_clip import SDClipModel

from ....fia_core.closed_form import Token, align

MOST_PADDING = 16
"""Rows of padding on a side that are looked at. An encoder writes the prompt into them, too."""


ADAPTED = "t5xxl_ids"
"""The entry of a text whose rows the model makes itself, one for each of these tokens (Anima)."""


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


def pair(
    one: Caption, other: Caption, usual: Collection[Token]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of two captions that say the same, (n, C) each; ``usual`` is that of ``align``."""
    pairs = align(one.words, other.words, usual) if len(other.rows) else []
    parts = [(one.rows[[i for i, _ in pairs]], other.rows[[j for _, j in pairs]])]
    for mine, its in ((one.before, other.before), (one.after, other.after)):
        both = min(len(mine), len(its))
        parts.append((mine[:both], its[:both]))
    read, wanted = zip(*parts, strict=True)
    return torch.cat(read), torch.cat(wanted)


def tokens_of(clip: CLIP, prompt: str, rows: torch.Tensor) -> list[Token]:
    """The tokens of a prompt, one for each of the rows that a model reads of its text.

    Where the model reads fewer rows than the host encodes, it has left out padding at the end, or
    else a beginning; where it reads more, it has put zeros in front, or something behind.

    Args:
        rows: (tokens, C).
    """
    tokens = _encoded(clip, prompt)
    more = len(rows) - len(tokens)
    if more > 0:
        added: list[Token] = ["added"] * more
        return [*tokens, *added] if rows[:more].any() else [*added, *tokens]
    is_padding = len(set(tokens[len(rows) - 1 :])) == 1
    return tokens[: len(rows)] if is_padding else tokens[len(tokens) - len(rows) :]


def _encoded(clip: CLIP, prompt: str) -> list[Token]:
    """The tokens of a prompt, one for each row that the host's text encoder makes of it.

    The host takes templates off and puts encoders beside or behind each other, each family in its
    own way. So it does that with rows which are numbers of tokens: each encoder gives these.
    """
    said: list[Token] = ["none"]
    plain = {
        name: [[(token, 1.0) for token, *_ in batch] for batch in batches]
        for name, batches in clip.tokenize(prompt).items()
    }
    encoders = [it for it in clip.cond_stage_model.modules() if isinstance(it, SDClipModel)]
    if not encoders:  # Lens has one of another class
        return [token for batches in plain.values() for batch in batches for token, _ in batch]
    with ExitStack() as given_back:
        for encoder in encoders:
            vars(encoder)["encode"] = partial(_numbered, encoder, said)
            given_back.callback(vars(encoder).pop, "encode")
        cond, _, *more = clip.cond_stage_model.encode_token_weights(plain)
    if more and ADAPTED in more[0]:
        return [token for token, _ in plain["t5xxl"][0]]
    # Beside each other, the last encoder's number is the largest.
    return [said[int(number)] for number in cond.flatten(0, -2).amax(-1).tolist()]


def _numbered(encoder: SDClipModel, said: list[Token], prompts: list[list[Any]]) -> tuple[Any, ...]:
    """What an encoder answers, as large as the host's own: in each row, again and again, the place
    of its token in ``said``, to which it is added."""
    first = len(said)
    said.extend(
        token if isinstance(token, int) else f"vector {token.tolist()}"
        for tokens in prompts
        for token in tokens
    )
    numbers = torch.arange(first, len(said), dtype=torch.float32).view(len(prompts), -1, 1)
    numbers = numbers.expand(-1, -1, encoder.transformer.get_input_embeddings().embedding_dim)
    if not isinstance(encoder.layer, str):  # several layers
        numbers = numbers[:, None].expand(-1, len(encoder.layer), -1, -1)
    elif encoder.layer == "all":
        numbers = numbers[:, None].expand(-1, encoder.num_layers + 1, -1, -1)
    answer = (numbers, torch.zeros(len(prompts), 1))
    if not encoder.return_attention_masks:
        return answer
    counts = torch.tensor([[1] * len(tokens) for tokens in prompts])
    return (*answer, {"attention_mask": counts})


def _run(tokens: Sequence[Token]) -> int:
    """How many tokens at the beginning are the same."""
    return next((i for i, token in enumerate(tokens) if token != tokens[0]), len(tokens))


def _thinned(rows: torch.Tensor) -> torch.Tensor:
    """``MOST_PADDING`` rows at most, at equal distances."""
    step = -(-len(rows) // MOST_PADDING) or 1
    return rows[::step].clone()
