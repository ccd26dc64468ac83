"""Hidden units of the second feed-forward layers that belong to one concept each.

While training, a unit that a concept owns is taught to fire where the caption names the concept
and to be silent elsewhere; in half of the samples the units of unnamed concepts are switched off
altogether. Where the caption names a concept that the picture does not show, that concept's units
are switched off too, so that the network learns to draw an object only by them. Nothing of this is
left in the finished network, which is the host's plain UNet.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

OWNED_SHARE = 1 / 128  # of a layer's hidden units, for each concept
FIRING = 3.0  # the activation that an owned unit is taught to reach


def unit_owners(hidden: int, concepts: int) -> Tensor:
    """Index of the owning concept of each hidden unit, int64 (hidden,); ``concepts`` where nobody
    owns it."""
    each = max(1, round(hidden * OWNED_SHARE))
    owners = torch.full((hidden,), concepts)
    owners[: each * concepts] = torch.arange(concepts).repeat_interleave(each)
    return owners


@dataclass
class Ownership:
    """What a batch's captions allow, both (B, concepts + 1) float; the last column is for unowned
    units.

    ``keep``: chance that a unit stays on. ``absent``: 1 where the caption does not name the
    concept.
    """

    keep: Tensor
    absent: Tensor


def gated_feed_forwards(model: nn.Module) -> list[Any]:
    """The host's feed-forward blocks: ``net[0].proj`` gives value and gate, ``net[2]`` is FFN2."""
    return [module for module in model.modules() if type(module).__name__ == "FeedForward"]


@torch.no_grad()
def wake_owned_units(block: Any, concepts: int) -> None:
    """Give the owned units an open gate: a unit that never fires gets no gradient."""
    projection = block.net[0].proj
    value, gate = projection.weight.chunk(2), projection.bias.chunk(2)
    owned = unit_owners(block.net[2].in_features, concepts) < concepts
    for rows in value:
        fresh = torch.empty_like(rows)
        nn.init.kaiming_uniform_(fresh, a=5**0.5)
        rows[owned] = fresh[owned]
    for biases in gate:
        biases[owned] = 1.0


class OwnershipHooks:
    """Applies an `Ownership` to the input of every FFN2 and collects how far the units are from
    their lesson."""

    def __init__(self, blocks: Iterable[Any], concepts: int) -> None:
        self.layers = [block.net[2] for block in blocks]
        self.owners = [unit_owners(layer.in_features, concepts) for layer in self.layers]
        self.concepts = concepts
        self.current: Ownership | None = None
        self.lessons: list[Tensor] = []

    @contextmanager
    def attached(self) -> Iterator[None]:
        handles = [
            layer.register_forward_pre_hook(self._hook(owners))
            for layer, owners in zip(self.layers, self.owners, strict=True)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, owners: Tensor) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor]]:
        owned = int((owners < self.concepts).sum())

        def restrict(layer: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
            assert self.current is not None
            (hidden,) = arguments
            absent = self.current.absent[:, owners[:owned]]
            activation = hidden[..., :owned].float()
            loud = (activation.abs().mean(1) * absent).sum() / absent.sum()
            shy = ((FIRING - activation).relu().mean(1) * (1 - absent)).sum() / (
                1 - absent
            ).sum().clamp_min(1)
            self.lessons.append(torch.stack([loud, shy]))
            on = torch.bernoulli(self.current.keep[:, owners]).to(hidden.dtype)
            return (hidden * on[:, None, :],)

        return restrict

    def take_lessons(self) -> Tensor:
        """Mean over the layers since the last call: loudness where unnamed, missing activation
        where named."""
        lessons = torch.stack(self.lessons).mean(0)
        self.lessons.clear()
        return lessons
