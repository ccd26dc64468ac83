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

MASK = "attention_mask"
"""The entry that tells which tokens count."""


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
    where text goes through the denoiser's blocks, more tokens would change the result. Nor do
    prompts with tensors that have no rows, such as Anima's token ids: the host takes them for those
    of the whole entry.
    """
    runs = [list(run) for _, run in groupby(enumerate(prompts), key=lambda each: _sizes(*each))]
    stacked = (_stack([prompt for _, prompt in run]) for run in runs)
    return [[entries.pop("cond"), entries] for entries in stacked]


def _sizes(number: int, prompt: EncodedPrompt) -> tuple[dict[str, torch.Size], int]:
    tensors = {name: value for name, value in prompt.items() if torch.is_tensor(value)}
    alone = any(tensor.ndim < 2 for tensor in tensors.values())
    return {name: tensor.shape for name, tensor in tensors.items()}, number if alone else 0


def _stack(prompts: list[EncodedPrompt]) -> EncodedPrompt:
    """Tensors are stacked row by row; anything else is the same for all prompts."""
    return {
        name: _rows(name, [prompt[name] for prompt in prompts]) if torch.is_tensor(value) else value
        for name, value in prompts[0].items()
    }


def _rows(name: str, tensors: list[torch.Tensor]) -> torch.Tensor:
    """A mask that all prompts share is kept once: some models take the sum of all its rows for the
    tokens of each prompt (OmniGen 2)."""
    first, *others = tensors
    if name == MASK and all(torch.equal(first, other) for other in others):
        return first
    return torch.cat(tensors)
