"""NegPiP against its rule, and in the host's own text encoder."""

from typing import Any

import pytest
import torch
from forgetting import random
from tiny_model import TinyModel
from torch import Tensor


@pytest.fixture(scope="module")
def module(extension: Any) -> Any:
    return extension.module("benchmarks.forget.negpip")


def test_keys_and_values_stand_in_turn(module: Any) -> None:
    states, empty = random(2, 3, 4, seed=0), random(1, 3, 4, seed=1)
    weights = torch.tensor([[1.0, -1.0, -1.3], [0.5, 1.0, 1.0]]).double()
    context = module.in_turn(states, empty, weights)
    _, keys, values = module.keys_and_values_apart(context, context, context, {})
    for chunk in range(2):
        for token in range(3):
            weight = weights[chunk, token]
            weighted = empty[0, token] + weight.abs() * (states[chunk, token] - empty[0, token])
            assert torch.allclose(keys[chunk, token], weighted, rtol=0, atol=1e-12)
            assert torch.allclose(
                values[chunk, token], weight.sign() * weighted, rtol=0, atol=1e-12
            )


def test_names_that_are_encoded_alone_follow_the_prompt(module: Any, tiny: TinyModel) -> None:
    def encode(clip: Any, text: str) -> Tensor:
        return clip.encode_from_tokens(clip.tokenize(text))

    plain = encode(tiny.clip, "a cat")
    clip = module.negpip(tiny.model, tiny.clip, ["church", "cat"], weight=-1.5, alone=True).clip
    context = encode(clip, "a cat")
    keys, values = context[:, 0::2], context[:, 1::2]
    tokens = plain.shape[1]
    assert torch.equal(keys[:, :tokens], plain) and torch.equal(values[:, :tokens], plain)
    wanted = []
    for name in ("church", "cat"):
        ids = [id for id, _ in tiny.clip.tokenize(name)["l"][0]]
        rows = slice(1, ids.index(ids[-1]) + 1)  # its words and the first end mark
        alone, empty = (encode(tiny.clip, text)[:, rows] for text in (name, ""))
        wanted.append(empty + 1.5 * (alone - empty))
    assert torch.allclose(keys[:, tokens:], torch.cat(wanted, 1), rtol=0, atol=1e-5)
    assert torch.equal(values[:, tokens:], -keys[:, tokens:])
    nothing = encode(clip, "")
    assert torch.equal(nothing, encode(tiny.clip, "").repeat_interleave(2, 1))
    assert torch.equal(encode(tiny.clip, "a cat"), plain)  # the encoder stays


def test_a_prompt_ends_with_the_names_and_the_empty_one_does_not(
    module: Any, tiny: TinyModel
) -> None:
    def encode(clip: Any, text: str) -> Tensor:
        return clip.encode_from_tokens(clip.tokenize(text))

    plain = encode(tiny.clip, "a cat, (church:-1)")
    clip = module.negpip(tiny.model, tiny.clip, ["church", "golf ball"], weight=-1.5).clip
    words = [[w for w in clip.tokenize(text)["l"][0] if w[1] != 1] for text in ("a cat", "")]
    assert [weight for _, weight in words[0]] == [-1.5] * 3 and not words[1]
    context = encode(clip, "a cat")
    assert context.shape[1] == 2 * plain.shape[1]
    ratio = (context[:, 1::2] * context[:, 0::2]).sum(-1)[0]
    assert (ratio < 0).sum() == 3
    assert torch.equal(encode(clip, "")[:, 0::2], encode(clip, "")[:, 1::2])
    assert torch.equal(encode(tiny.clip, "a cat, (church:-1)"), plain)  # the encoder stays
