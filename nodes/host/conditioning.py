"""Encode prompts with the host's text encoder into one conditioning with a row per prompt."""

import math
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.sd import CLIP

Conditioning = list[list[Any]]
"""The host's CONDITIONING: [[cross-attention tensor (rows, tokens, width), other entries]]."""


def encode_prompts(clip: CLIP, prompts: tuple[str, ...]) -> Conditioning:
    """Conditioning with one row for every prompt, in order.

    Prompts that fill more than one chunk of the text encoder have more tokens; the shorter ones are
    then repeated to the least common length, as the host does when it batches two conditionings
    (attention over repeated tokens gives the same result).
    """
    encoded = []
    for prompt in prompts:
        throw_exception_if_processing_interrupted()
        encoded.append(clip.encode_from_tokens(clip.tokenize(prompt), return_dict=True))
    cross_attention = _stack_tokens([entry.pop("cond") for entry in encoded])
    entries = {key: _stack([entry[key] for entry in encoded]) for key in encoded[0]}
    return [[cross_attention, entries]]


def _stack_tokens(tensors: list[torch.Tensor]) -> torch.Tensor:
    """Stack (1, tokens, width) tensors after repeating each to the least common token count."""
    tokens = math.lcm(*(tensor.shape[1] for tensor in tensors))
    return torch.cat([tensor.repeat(1, tokens // tensor.shape[1], 1) for tensor in tensors])


def _stack(values: list[Any]) -> Any:
    """Stack tensors row by row; anything else is the same for all prompts."""
    return torch.cat(values) if torch.is_tensor(values[0]) else values[0]
