"""How the masks of several concepts overlap, and what another mask prunes of each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..mask import NeuronMask

CHUNK = 1 << 18
"""Weights compared at once; below 2²⁴, up to which float32 counts exactly."""


@dataclass(frozen=True)
class ConceptShare:
    """A concept by its position, and a share that belongs to it, a fraction above 0."""

    concept: int
    share: float


@dataclass(frozen=True, eq=False)
class ConceptOverlap:
    """The overlap of N concepts' masks, and what a mask prunes of it.

    Attributes:
        names: the concepts of each mask, joined.
        forgotten: whether the pruning mask is there to forget the concept; the others should stay.
        shared: int64 (N, N), weights that both masks hold; the diagonal holds each mask's own.
        pruned: int64 (N, N), how many of ``shared`` are pruned.
    """

    names: tuple[str, ...]
    forgotten: tuple[bool, ...]
    shared: Tensor
    pruned: Tensor

    @property
    def own(self) -> Tensor:
        """int64 (N,), weights of each mask."""
        return self.shared.diagonal()

    @property
    def share_of_own(self) -> Tensor:
        """float64 (N, N), at [i, j] the share of mask i's weights that mask j holds too."""
        return _ratio(self.shared, self.own[:, None])

    @property
    def jaccard(self) -> Tensor:
        """float64 (N, N), weights that both masks hold, of those that either holds."""
        return _ratio(self.shared, self.own[:, None] + self.own[None, :] - self.shared)

    @property
    def lost(self) -> Tensor:
        """float64 (N,), the share of each mask's weights that is pruned."""
        return _ratio(self.pruned.diagonal(), self.own)

    @property
    def lost_through(self) -> Tensor:
        """float64 (N, N), at [i, j] the share of mask j's weights that mask i holds and is pruned.

        What forgetting concept i takes from concept j; the diagonal is ``lost``.
        """
        return _ratio(self.pruned, self.own[None, :])

    @property
    def others(self) -> str:
        """Whom ``hardest_hit`` chooses from, in words."""
        return "other concept" if all(self.forgotten) else "concept that should stay"

    def hardest_hit(self, concept: int) -> ConceptShare | None:
        """The other concept that loses the largest share through ``concept``'s pruned weights.

        One that should stay, where there are any: what is to be forgotten may lose all it has.
        ``share`` is of the other's own weights. None where no other loses any; of equals the first.
        """
        spared = set() if all(self.forgotten) else self._numbers(forgotten=True)
        return _largest(self.lost_through[concept], excluded={concept, *spared})

    def main_cause(self, concept: int) -> ConceptShare | None:
        """The forgotten concept that takes the largest share of ``concept``'s own weights.

        None where none takes any; of equals the first.
        """
        staying = self._numbers(forgotten=False)
        return _largest(self.lost_through[:, concept], excluded={concept, *staying})

    def _numbers(self, forgotten: bool) -> set[int]:
        """Positions of the concepts that are to be forgotten, or of those that are not."""
        return {number for number, gone in enumerate(self.forgotten) if gone == forgotten}


def concept_overlap(
    masks: Sequence[NeuronMask], forgotten: Sequence[bool], pruning: NeuronMask
) -> ConceptOverlap:
    """Compare ``masks`` with each other and with what ``pruning`` prunes.

    Args:
        masks: at least one, all of the layers and shapes of ``pruning``.
        forgotten: for each of them, whether ``pruning`` is there to forget it.
        pruning: the mask whose weights are pruned.
    """
    shared = torch.zeros(len(masks), len(masks), dtype=torch.int64)
    pruned = torch.zeros_like(shared)
    for name, gone in pruning.layers.items():
        layers = [mask.layers[name].flatten() for mask in masks]
        union = torch.zeros_like(layers[0])
        for layer in layers:
            union |= layer
        for places in union.nonzero().squeeze(1).split(CHUNK):
            held = torch.stack([layer[places] for layer in layers]).float()
            shared += (held @ held.T).long()
            pruned += ((held * gone.flatten()[places]) @ held.T).long()
    names = tuple(", ".join(mask.concepts) for mask in masks)
    return ConceptOverlap(names, tuple(forgotten), shared, pruned)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole in float64; 0 where the whole is 0."""
    return part.double() / whole.clamp_min(1)


def _largest(shares: Tensor, excluded: set[int]) -> ConceptShare | None:
    values = [0.0 if i in excluded else share for i, share in enumerate(shares.tolist())]
    best = max(range(len(values)), key=values.__getitem__)
    return ConceptShare(best, values[best]) if values[best] > 0 else None
