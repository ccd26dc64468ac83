"""Stage 1, contrastive concept saliency: Eq. 1 and Eq. 2, in few passes over memory.

W is an FFN2 weight (C_out, C_in), X its input (N, C_in) with N token positions of one prompt at one
step, Y = X Wᵀ (N, C_out) its output without bias. Eq. 1 as printed is

    U[i, j] = |W[i, j]| · ‖X[:, j]‖ · |⟨X[:, j], Y[:, i]⟩| / (‖X[:, j]‖ · ‖Y[:, i]‖)

‖X[:, j]‖ cancels: with P = Xᵀ (Y / ‖Y‖), columns of Y scaled to length 1, it is U = |W| · |P|ᵀ. |W|
is the same for all prompts of a step, so it leaves the means and the deviation over the concept's
and the base prompts, and Eq. 2, S = max(0, μ_c − μ_b − σ_b), is

    S = |W| · max(0, mean |P_c| − mean |P_b| − std |P_b|)ᵀ

P has the inputs first: CPUs multiply it up to four times as fast that way. Nothing here waits for
the device or looks at values: NaN and infinity pass through, and who feeds activations in refuses
them (``nodes/host/profiling/step_statistics.py``).
"""

import torch
from torch import Tensor
from torch.nn import functional

TINY = torch.finfo(torch.float32).tiny
SALIENCY_FORMS = ("exact", "released")
"""Eq. 1 as printed, or as in the authors' published code: rows of X scaled to length 1, no cosine,
U[i, j] = |W[i, j]| · ‖X̂[:, j]‖ with X̂[n, :] = X[n, :] / ‖X[n, :]‖."""


def alignments(x: Tensor, unit: Tensor, form: str, out: Tensor | None = None) -> Tensor:
    """P of several prompts at one step, signed: Eq. 1 is U = |W| · |P|ᵀ.

    Exact: P = Xᵀ (Y / ‖Y‖). Released: P = ‖X̂[:, j]‖, the same for all output channels.

    Args:
        x: (prompts, N, C_in), the layer's input, any float dtype.
        unit: (prompts, N, C_out), ``unit_columns`` of Y = X Wᵀ without bias, of
            ``product_dtype(x)``; the released form does not look at it.
        form: one of ``SALIENCY_FORMS``.
        out: (prompts, C_in, C_out) float32, memory for an exact P.

    Returns:
        (prompts, C_in, C_out) float32, or (prompts, C_in, 1) for the released form.
    """
    x = x.detach()
    if form == "released":
        return torch.stack([unit_rows(one.float()).norm(dim=0) for one in x])[..., None]
    if unit.dtype == torch.float32:
        return torch.bmm(x.mT.float(), unit, out=out)
    return torch.bmm(x.mT, unit, out_dtype=torch.float32, out=out)


def unit_columns(y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Columns of length 1, or of zeros, of several prompts.

    Args:
        y: (prompts, N, C_out), X Wᵀ without bias, any float dtype.
        dtype: of the result.

    Returns:
        Y / ‖Y‖ (prompts, N, C_out), and ‖Y‖ (prompts, 1, C_out) float32.
    """
    norms = torch.linalg.vector_norm(y.detach(), dim=1, keepdim=True, dtype=torch.float32)
    unit = torch.empty_like(y, dtype=dtype)
    return torch.div(y.detach(), norms.clamp_min(TINY), out=unit), norms


def unit_rows(x: Tensor) -> Tensor:
    """``x`` (N, C_in) float32 with each row scaled to length 1; a row of zeros stays 0."""
    # Largest entry first, so that no square of the norm overflows or vanishes.
    near_one = x / x.abs().amax(dim=1, keepdim=True).clamp_min(TINY)
    return functional.normalize(near_one, dim=1)


def product_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which P is multiplied: that of x where it is half precision and the device adds
    in float32 (CUDA, torch 2.8 or newer), else float32.

    Under ``allow_fp16_accumulation`` torch refuses to add float16 in float32.
    """
    half = x.dtype in (torch.float16, torch.bfloat16)
    adds_in_float32 = bool(torch.version.cuda) and "dtype_out" in torch.ops.aten.bmm.overloads()
    if x.dtype == torch.float16 and adds_in_float32:
        adds_in_float32 = not torch.backends.cuda.matmul.allow_fp16_accumulation
    return x.dtype if half and x.is_cuda and adds_in_float32 else torch.float32


def contrastive_saliency(weight_size: Tensor, concept_mean: Tensor, base_bar: Tensor) -> Tensor:
    """Eq. 2: S = |W| · max(0, mean |P_c| − (mean |P_b| + std |P_b|))ᵀ.

    Args:
        weight_size: |W|, (C_out, C_in), any float dtype.
        concept_mean: mean of |P| over the concept prompts, (C_in, C_out) or (C_in, 1) float32;
            its memory is used.
        base_bar: mean + standard deviation of |P| over the base prompts, of the same shape.

    Returns:
        S, (C_out, C_in) float32, not negative.
    """
    return weight_size * concept_mean.sub_(base_bar).clamp_min_(0).mT
