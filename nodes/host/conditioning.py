"""Encode prompts with the host's text encoder, and stack them into one conditioning."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.sd import CLIP

Conditioning = list[list[Any]]
"""The host's CONDITIONING: [[cross-attention tensor (rows, tokens, width), other entries]]."""


EncodedPrompt = dict[str, Any]
"""What the host's text encoder gives for one prompt: "cond" (1, tokens, width), other entries."""


def encode_prompts(clip: CLIP, prompts: Sequence[str]) -> list[EncodedPrompt]:
    """Every prompt by itself, in order."""
    encoded = []
    for prompt in prompts:
        throw_exception_if_processing_interrupted()
        encoded.append(clip.encode_from_tokens(clip.tokenize(prompt), return_dict=True))
    return encoded


def stack_prompts(prompts: Sequence[EncodedPrompt]) -> Conditioning:
    """Conditioning with one row for every prompt, in order.

    Prompts that fill more than one chunk of the text encoder have more tokens; the shorter ones are
    then repeated to the least common length, as the host does when it batches two conditionings
    (attention over repeated tokens gives the same result).
    """
    keys = prompts[0].keys() - {"cond"}
    entries = {key: _stack([prompt[key] for prompt in prompts]) for key in keys}
    return [[_stack_tokens([prompt["cond"] for prompt in prompts]), entries]]


def _stack_tokens(tensors: list[torch.Tensor]) -> torch.Tensor:
    """Stack (1, tokens, width) tensors after repeating each to the least common token count."""
    tokens = math.lcm(*(tensor.shape[1] for tensor in tensors))
    return torch.cat([tensor.repeat(1, tokens // tensor.shape[1], 1) for tensor in tensors])


def _stack(values: list[Any]) -> Any:
    """Stack tensors row by row; anything else is the same for all prompts."""
    return torch.cat(values) if torch.is_tensor(values[0]) else values[0]
