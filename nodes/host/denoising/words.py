"""Require a text encoder, and that it knows a word of each concept."""

import numbers
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from comfy.sd import CLIP


def require_text_encoder(clip: CLIP | None) -> CLIP:
    if clip is None:
        raise ValueError(
            "clip: None, the checkpoint has no text encoder. "
            "Load one with Load CLIP and connect it."
        )
    return clip


def require_known_words(clip: CLIP, concepts: Sequence[str], field: str = "concepts") -> None:
    """Refuse concepts that the text encoder cannot tell from an empty prompt.

    Raises:
        ValueError: if no token of a concept, in any of ``clip``'s encoders, has an
            embedding other than zero, or if there is no token at all.
    """
    known = known_words(clip, concepts)
    unknown = [concept for concept in concepts if concept not in known]
    if unknown:
        raise ValueError(
            f"{field}: the text encoder knows no word of {', '.join(map(repr, unknown))}, "
            "so there is nothing to find in the model. Check the spelling or use another word."
        )


def known_words(clip: CLIP, texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` that the text encoder can tell from an empty prompt."""
    return [text for text in texts if _is_known(clip, text)]


def _is_known(clip: CLIP, concept: str) -> bool:
    empty = clip.tokenize("")
    for encoder, batches in clip.tokenize(concept).items():
        if not all(isinstance(token, numbers.Integral) for token in _tokens(batches)):
            return True  # a textual inversion, given as its vector
        # what is there without a concept, too: marks, padding, and what a language model is told
        own = Counter(_token_ids(batches)) - Counter(_token_ids(empty.get(encoder, [])))
        if any(_has_embedding(clip, encoder, token) for token in own):
            return True
    return False


def _tokens(batches: list[list[tuple[Any, ...]]]) -> Iterator[Any]:
    """Tokens of the host's token-weight pairs: integers, or vectors of textual inversions."""
    return (pair[0] for batch in batches for pair in batch)


def _token_ids(batches: list[list[tuple[Any, ...]]]) -> Iterator[int]:
    return (int(token) for token in _tokens(batches) if isinstance(token, numbers.Integral))


def _has_embedding(clip: CLIP, encoder: str, token: int) -> bool:
    """Whether the encoder that the tokenizer calls ``encoder`` has a vector for ``token``.

    Some families can do without one of their encoders, and still have its tokenizer.
    """
    model = clip.cond_stage_model
    encoder_model = getattr(model, f"clip_{encoder}", None) or getattr(model, encoder, None)
    if encoder_model is None:
        return False
    vector = encoder_model.transformer.get_input_embeddings().weight[token]
    return bool(vector.float().any())  # CUDA has no any() of fp8
