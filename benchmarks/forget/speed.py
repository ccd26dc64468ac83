"""SPEED (arXiv 2503.07392): values are edited inside the null space of what is kept.

With c the state of a name's last token and a its anchor's, S_cc = mean c cᵀ and S_ac = mean a cᵀ
over all names, P the projector on what the kept names leave free, and K₂ the states of the empty
prompt, a value projection W becomes W + ΔW:

    ΔW = W (S_ac − S_cc) P [I − M K₂ (K₂ᵀ P M K₂ + λ I)⁻¹ K₂ᵀ P] M,   M = (S_cc P + γ I)⁻¹

It is the ΔW P that moves the names to their anchors at the cost γ ‖ΔW P‖² and leaves K₂ where it
is. P is of each layer, from kept names that an edit without P would move most:

1. filter: Δe = W (S_ac − S_cc)(I + S_cc)⁻¹; of the kept r those with ‖Δe r‖ above the mean;
2. augment: r + (pᵀε) p, p the last right singular vector of W, and the filter again (theirs is of
   a reduced SVD, `torch.svd`: where W has fewer rows than columns, p is not in its null space);
3. R = mean r rᵀ over both; P projects on its eigenvectors with eigenvalues below τ.

Facts from the authors' code (Ouxiang-Li/SPEED at 6d3df0c, train_erase_null.py): values only; all
names in one solve; without kept names the empty prompt's rows but the first are kept; kept texts
that hold a name are left out; K₂ is the first row of the empty prompt and three k-means centres of
its others; all numbers below but the two that are said to be ours. Where λ = 0 leaves nothing to
invert, as where P has taken K₂ already, the pseudo-inverse stands in.
"""

import re
from collections.abc import Sequence
from typing import Annotated

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from pydantic import Field
from scipy.cluster.vq import kmeans2
from torch import Tensor

from .erased import Erased, RefusalError
from .texts import text_states
from .weights import edited, text_readers

CENTRES = 3
"""How many rows stand for the empty prompt's others in K₂."""


def speed(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    anchor: str = " ",
    threshold: Annotated[float, Field(gt=0)] = 0.1,
    relative: bool = False,
    retain_scale: Annotated[float, Field(gt=0)] = 1.0,
    invariance: Annotated[float, Field(ge=0)] = 0.0,
    draws: Annotated[int, Field(ge=0)] = 10,
    seed: int = 0,
) -> Erased:
    """SPEED.

    Args:
        anchor: what the model sees instead.
        threshold: τ.
        relative: τ is a share of R's largest eigenvalue (ours, for encoders of other scales).
        retain_scale: γ; the larger, the smaller the edit.
        invariance: λ.
        draws: augmented copies of each kept name; 0 leaves out filter and augmentation.
        seed: of the augmentation and of k-means.

    Raises:
        RefusalError: what is kept leaves nothing free (ours; the authors' code edits nothing then).
    """
    others = [name for name in kept if not _holds_one(name, concepts)]
    empty, wanted, *texts = text_states(clip, ["", anchor, *concepts, *others])
    names = torch.stack([text.name for text in texts[: len(concepts)]])
    rows = [text.name for text in texts[len(concepts) :]]
    keep = torch.stack(rows) if rows else empty.rows[1:]
    seen = names.T @ names / len(names)
    moved = wanted.name.outer(names.mean(0)) - seen
    fixed = invariant_states(empty.rows, seed)
    generator = torch.Generator().manual_seed(seed)

    def change(weight: Tensor) -> Tensor:
        refined = refined_prior(weight, moved, seen, keep, draws, generator)
        free = null_space(refined.T @ refined / len(refined), threshold, relative)
        if not free.any():
            raise RefusalError(
                f"kept: {len(keep)} texts leave SPEED nothing to edit. Keep fewer, or raise "
                f"threshold, now {threshold}."
            )
        return null_space_edit(weight, moved, seen, free, fixed, retain_scale, invariance)

    return Erased(edited(model, text_readers(model, values_only=True), len(seen), change), clip)


def invariant_states(empty: Tensor, seed: int) -> Tensor:
    """K₂ as rows, (4, width), of the empty prompt's states (tokens, width); fewer where it has
    fewer that differ."""
    different = empty[1:].unique(dim=0)
    chosen = torch.randperm(len(different), generator=torch.Generator().manual_seed(seed))
    start = different[chosen[:CENTRES]]
    centres, _ = kmeans2(empty[1:].numpy(), start.numpy(), minit="matrix")
    return torch.cat([empty[:1], torch.from_numpy(centres)])


def refined_prior(
    weight: Tensor,
    moved: Tensor,
    seen: Tensor,
    keep: Tensor,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Kept states (rows, width) of one layer after filter and augmentation."""
    if not draws:
        return keep
    plain = weight @ torch.linalg.solve(torch.eye(len(seen)).double() + seen, moved, left=False)
    keep = _above_mean(keep, plain)
    weakest = torch.linalg.svd(weight, full_matrices=False).Vh[-1]
    drawn = keep.repeat(draws, 1)
    noise = torch.randn(drawn.shape, generator=generator, dtype=torch.float64)
    return torch.cat([keep, _above_mean(drawn + (noise @ weakest).outer(weakest), plain)])


def null_space(moment: Tensor, threshold: float, relative: bool) -> Tensor:
    """P: projector on the eigenvectors of R, (width, width), whose eigenvalues are below τ."""
    values, vectors = torch.linalg.eigh(moment)
    free = vectors[:, values < threshold * (values[-1] if relative else 1.0)]
    return free @ free.T


def null_space_edit(
    weight: Tensor,
    moved: Tensor,
    seen: Tensor,
    free: Tensor,
    fixed: Tensor,
    retain_scale: float,
    invariance: float,
) -> Tensor:
    """ΔW (C_out, width) of the module's formula.

    Args:
        weight: W, (C_out, width).
        moved: S_ac − S_cc, (width, width).
        seen: S_cc.
        free: P.
        fixed: K₂ as rows.
        retain_scale: γ.
        invariance: λ.
    """
    inverse = torch.linalg.inv(seen @ free + retain_scale * torch.eye(len(seen)).double())
    held = fixed @ free @ inverse @ fixed.T
    held += invariance * torch.eye(len(fixed)).double()
    escape = inverse @ fixed.T @ torch.linalg.pinv(held) @ fixed @ free
    return weight @ moved @ free @ (inverse - escape @ inverse)


def _above_mean(states: Tensor, edit: Tensor) -> Tensor:
    """The states that ``edit`` moves more than the mean of them; all where none does."""
    moves = (states @ edit.T).norm(dim=1)
    above = moves > moves.mean()
    return states[above] if above.any() else states


def _holds_one(text: str, concepts: Sequence[str]) -> bool:
    """Whether a concept stands in ``text`` as words of their own."""
    words = (rf"\b{re.escape(concept.lower())}\b" for concept in concepts)
    return any(re.search(pattern, text.lower()) for pattern in words)
