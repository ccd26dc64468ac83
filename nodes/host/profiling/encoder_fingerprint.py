"""A fingerprint of a text encoder, so that prompts can be told apart before they are encoded."""

from collections.abc import Sequence
from typing import Any

import torch
from comfy.sd import CLIP

from ..denoising.conditioning import RequestPrompts
from ..model.stored_weights import stored_weight
from .fingerprint import Fingerprint, NoFingerprintError, refuse_code, refuse_code_in


def encoder_fingerprint(clip: CLIP) -> str | None:
    """Fingerprint of all that makes conditionings out of tokens; None where other nodes' code has
    part in it.

    The tokenizer is left out: what it does shows in the tokens.
    """
    fingerprint = Fingerprint()
    try:
        _add_encoder(fingerprint, clip)
    except NoFingerprintError:
        return None
    return fingerprint.text()


def add_prompts(
    fingerprint: Fingerprint,
    clip: CLIP,
    encoder: str | None,
    prompts: RequestPrompts,
    texts: Sequence[str],
) -> None:
    """Take in what a text encoder makes of prompts. Its own fingerprint and their tokens stand for
    it; it is run only where the code of other nodes has part in it.

    Args:
        clip: the text encoder.
        encoder: its ``encoder_fingerprint``.
        prompts: of the request, which encode with it.
        texts: the prompts to take in.

    Raises:
        NoFingerprintError: tokens without content that can be told.
    """
    fingerprint.add(texts)
    if encoder is None:
        fingerprint.add(prompts.encoded(texts))
    else:
        fingerprint.add((encoder, [clip.tokenize(text) for text in texts]))


def _add_encoder(fingerprint: Fingerprint, clip: CLIP) -> None:
    """Take in the weights, the patcher's patches, and how they are computed.

    Raises:
        NoFingerprintError: for code of other nodes.
    """
    patcher = clip.patcher
    _refuse_other_code(clip)
    fingerprint.add((type(clip.cond_stage_model).__qualname__, clip.layer_idx))
    fingerprint.add((patcher.load_device.type, _plain(patcher.object_patches)))
    fingerprint.add(patcher.patches)
    for name, now in patcher.model.named_parameters():
        weight = stored_weight(patcher, name, now)
        fingerprint.add(name)
        if weight.is_meta:  # newer hosts' for a weight that the file lacks; zeros, once it is used
            fingerprint.add((str(weight.dtype), tuple(weight.shape)))
        else:
            fingerprint.sample(weight)


def _refuse_other_code(clip: CLIP) -> None:
    refuse_code(clip.patcher)
    if clip.patcher.forced_hooks is not None or clip.apply_hooks_to_conds is not None:
        raise NoFingerprintError("hooks")
    refuse_code_in((clip, *clip.cond_stage_model.modules()))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with names in place of data types, which newer hosts put into the patcher."""
    return {
        name: str(value) if isinstance(value, torch.dtype) else value
        for name, value in values.items()
    }
