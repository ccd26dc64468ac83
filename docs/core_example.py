"""From activations to a mask with ``fia_core`` alone: no ComfyUI, no diffusion model.

    python3 docs/core_example.py

One feed-forward block stands for a denoiser's. Its inputs are noise, other at every step and the
same with a concept as without; a concept adds a direction of its own. The method is to find the
weights of the block's second layer that answer to the concepts, and prune them.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fia_core import (
    concept_sensitive_mask,
    contrastive_saliency,
    fuse_masks,
    time_integrated_sensitivity,
    unified_saliency,
)

STEPS, PROMPTS, TOKENS, WIDTH = 3, 8, 16, 32
SPATIAL_SPARSITY, TEMPORAL_SPARSITY, AGNOSTIC_RATIO = 0.05, 0.05, 0.6  # r2, r1, α

torch.manual_seed(0)
ffn1, ffn2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
noise = torch.randn(STEPS, PROMPTS, TOKENS, WIDTH)
concepts = {"church": torch.randn(WIDTH), "golf ball": torch.randn(WIDTH)}


def saliencies(prompts: Iterable[Tensor]) -> Tensor:
    """Eq. 1 of the second layer for each prompt's tokens, (prompts, C_out, C_in)."""
    hidden = [nn.functional.gelu(ffn1(prompt)) for prompt in prompts]
    return torch.stack([unified_saliency(ffn2.weight, x) for x in hidden])


def mask_of(direction: Tensor) -> Tensor:
    """Stages 1 and 2: what the concept adds (Eq. 2), over the steps (Eq. 3), chosen (Eq. 4-6)."""
    by_step = []
    for step in noise:
        base, concept = saliencies(step), saliencies(step + direction)
        spread = base.std(dim=0, correction=0)
        by_step.append(contrastive_saliency(concept.mean(dim=0), base.mean(dim=0), spread))
    sensitivity = time_integrated_sensitivity(torch.stack(by_step), TEMPORAL_SPARSITY)
    return concept_sensitive_mask(sensitivity, SPATIAL_SPARSITY)


def effect(direction: Tensor, weight: Tensor) -> float:
    """How far the concept moves the block's output when its second layer has these weights."""
    plain, with_concept = (
        nn.functional.gelu(ffn1(prompts)) for prompts in (noise[0], noise[0] + direction)
    )
    return float(((with_concept - plain) @ weight.T).norm())


with torch.inference_mode():
    pruned, agnostic = fuse_masks(map(mask_of, concepts.values()), AGNOSTIC_RATIO)  # Eq. 7-8
    at_random = pruned.flatten()[torch.randperm(pruned.numel())].view_as(pruned)
    print(f"{int(pruned.sum())} of {pruned.numel():,} weights pruned, {int(agnostic.sum())} kept")
    for name, direction in concepts.items():
        before = effect(direction, ffn2.weight)
        left, by_chance = (
            effect(direction, ffn2.weight * ~mask) / before for mask in (pruned, at_random)
        )
        print(f"{name}: {left:.0%} of its effect is left; as many at random: {by_chance:.0%}")
