"""Eq. 1 and Eq. 2 as the paper prints them, on arrays in float64: no shortcut of the product."""

import torch
from torch import Tensor


def unified_saliency(weight: Tensor, x: Tensor) -> Tensor:
    """Eq. 1 of one prompt at one step: weight (C_out, C_in), x (N, C_in); U (C_out, C_in)."""
    weight, x = weight.double(), x.double()
    y = x @ weight.T
    norms = y.norm(dim=0)[:, None] * x.norm(dim=0)
    cosine = (y.T @ x).abs() / norms.clamp_min(torch.finfo(torch.float64).tiny)
    return weight.abs() * x.norm(dim=0) * cosine


def contrastive_saliency(concept: Tensor, base: Tensor) -> Tensor:
    """Eq. 2 of the U of all prompts, (prompts, C_out, C_in) each; S (C_out, C_in) float32."""
    spread = base.mean(0) + base.std(0, correction=0)
    return (concept.mean(0) - spread).clamp_min(0).float()
