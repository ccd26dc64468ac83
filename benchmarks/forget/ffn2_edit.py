"""A closed-form edit of FFN2, where FIA zeroes weights: UCE's objective on what the layers read in
the picture, not on what cross-attention reads in the text.

For a layer W, tokens x_c of prompts with a concept, x_b of the same tokens, step and scene without
it, and all tokens x_k that should stay, W' maps x_c as W maps x_b and x_k as before:

    W' = W + s · W M (C + p K + λ m I)⁻¹,   M = Σ (x_b − x_c) x_cᵀ,  C = Σ x_c x_cᵀ,  K = Σ x_k x_kᵀ

m is the mean of the diagonal of C + p K, so that λ means the same in every layer. The prompts are
those of FIA's profile, all their steps count. x_k are the base prompts' and those of kept names.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from torch import Tensor

from ...nodes.host.model.layers import find_ffn2_layers
from ...nodes.host.profiling.capture import Ffn2Capture
from .denoiser_weights import weights_in_effect, with_differences
from .erased import Erased
from .layers import watch
from .settings import Prompts


def ffn2_edit(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    profiled: ModelPatcher | None = None,
    prompts: Prompts,
    preserve_scale: Annotated[float, Field(ge=0)] = 1.0,
    ridge: Annotated[float, Field(gt=0)] = 0.1,
    strength: float = 1.0,
) -> Erased:
    """FFN2 answers what it reads of a concept as it answers the scene alone.

    Args:
        model, clip, concepts, kept, profiled: see the package.
        prompts: as in the nodes.
        preserve_scale: p, how much what should stay weighs.
        ridge: λ, how strongly everything else is held in place.
        strength: s; 0 changes nothing.
    """
    request = prompts.request((*concepts, *kept))
    source = profiled or model
    layers = find_ffn2_layers(source)
    sums = {name: TokenSums(len(request.contexts), len(concepts)) for name in layers}

    def receive(name: str, prompts: range, weight: Tensor, x: Tensor, y: Tensor) -> None:
        sums[name].add(prompts, x.flatten(1, -2))

    watch(source, clip, request, Ffn2Capture(layers, receive), lambda: None)
    keys = {f"{name}.weight": name for name in layers}
    differences = {
        key: strength * (weight.cpu().double() @ sums[keys[key]].matrix(preserve_scale, ridge))
        for key, weight in weights_in_effect(model, keys).items()
    }
    added = {key: difference.float() for key, difference in differences.items()}
    return Erased(with_differences(model, added), clip)


class TokenSums:
    """M, C and K of a layer.

    Args:
        scenes: prompts of a group, of which the first has no concept.
        concepts: groups after it that are forgotten; those that follow should stay.
    """

    def __init__(self, scenes: int, concepts: int) -> None:
        self._scenes, self._concepts = scenes, concepts
        self._base: dict[int, Tensor] = {}
        self._moved = self._seen = self._kept = torch.zeros(())

    def add(self, prompts: range, x: Tensor) -> None:
        """Take in prompts at one step, x (prompts, tokens, C_in); in a step the base prompts come
        first."""
        for prompt, tokens in zip(prompts, x.float(), strict=True):
            group, scene = divmod(prompt, self._scenes)
            seen = (tokens.T @ tokens).double().cpu()
            if group == 0:
                self._base[scene] = tokens
            if 0 < group <= self._concepts:
                moved = (self._base[scene] - tokens).T @ tokens
                self._seen, self._moved = self._seen + seen, self._moved + moved.double().cpu()
            else:
                self._kept = self._kept + seen

    def matrix(self, preserve_scale: float, ridge: float) -> Tensor:
        """M (C + p K + λ m I)⁻¹, (C_in, C_in) float64."""
        held = self._seen + preserve_scale * self._kept
        held += ridge * held.diagonal().mean() * torch.eye(len(held), dtype=held.dtype)
        return torch.linalg.solve(held, self._moved, left=False)
