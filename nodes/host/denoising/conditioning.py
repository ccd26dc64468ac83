"""Encode prompts with the host's text encoder, and stack them into one conditioning."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.sd import CLIP

Conditioning = list[list[Any]]
"""The host's CONDITIONING: [[cross-attention tensor (rows, tokens, width), other entries]]."""


EncodedPrompt = dict[str, Any]
"""One encoded prompt of the host's text encoder: "cond" (1, tokens, width), other entries."""


def encode_prompts(clip: CLIP, prompts: Sequence[str]) -> list[EncodedPrompt]:
    """Encode every prompt by itself; the results are in order."""
    encoded = []
    for prompt in prompts:
        throw_exception_if_processing_interrupted()
        encoded.append(clip.encode_from_tokens(clip.tokenize(prompt), return_dict=True))
    return encoded


def stack_prompts(prompts: Sequence[EncodedPrompt]) -> Conditioning:
    """One conditioning: a row for every prompt, in order; an entry for every run of one size.

    Sizes differ where prompts have different numbers of tokens. Such prompts never share an entry:
    where text goes through the denoiser's blocks, more tokens would change the result.
    """
    runs = [list(run) for _, run in groupby(prompts, key=_sizes)]
    return [[entries.pop("cond"), entries] for entries in map(_stack, runs)]


def _sizes(prompt: EncodedPrompt) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in prompt.items() if torch.is_tensor(value)}


def _stack(prompts: list[EncodedPrompt]) -> EncodedPrompt:
    """Tensors are stacked row by row; anything else is the same for all prompts."""
    return {
        name: torch.cat([prompt[name] for prompt in prompts]) if torch.is_tensor(value) else value
        for name, value in prompts[0].items()
    }
