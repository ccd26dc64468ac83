"""From activations to a mask with ``fia_core`` alone: no ComfyUI, no diffusion model.

    python3 docs/core_example.py

One feed-forward block stands for a denoiser's. Its inputs are noise, other at every step and the
same with a concept as without; a concept adds a direction of its own. The method is to find the
weights of the block's second layer that answer to the concepts, and prune them.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fia_core import (
    RunningMean,
    RunningMoments,
    SensitivityAccumulator,
    alignments,
    concept_sensitive_mask,
    contrastive_saliency,
    fuse_masks,
    unit_columns,
)

STEPS, PROMPTS, TOKENS, WIDTH = 3, 8, 16, 32
SPATIAL_SPARSITY, TEMPORAL_SPARSITY, AGNOSTIC_RATIO = 0.05, 0.05, 0.6  # r2, r1, α

torch.manual_seed(0)
ffn1, ffn2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
noise = torch.randn(STEPS, PROMPTS, TOKENS, WIDTH)
concepts = {"church": torch.randn(WIDTH), "golf ball": torch.randn(WIDTH)}


def mask_of(direction: Tensor) -> Tensor:
    """Stages 1 and 2: what the concept adds (Eq. 2), over the steps (Eq. 3), chosen (Eq. 4-6)."""
    sensitivity = SensitivityAccumulator(TEMPORAL_SPARSITY, tuple(ffn2.weight.shape))
    for step in noise:
        base, concept = RunningMoments(ffn2.weight.T.shape), RunningMean(ffn2.weight.T.shape)
        for running, prompts in ((base, step), (concept, step + direction)):
            x = nn.functional.gelu(ffn1(prompts))  # (prompts, tokens, C_in)
            unit, _ = unit_columns(x @ ffn2.weight.T, torch.float32)
            running.add(alignments(x, unit, "exact"))  # P of Eq. 1
        bar = base.into_mean_plus_std()
        sensitivity.add(contrastive_saliency(ffn2.weight.abs(), concept.into_mean(), bar))
    return concept_sensitive_mask(sensitivity.result(), SPATIAL_SPARSITY)


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
