"""Hidden units of the second feed-forward layers that belong to one concept each.

While training, a unit that a concept owns is silent in pictures whose caption does not name the concept: it is
penalised everywhere and switched off in half of the samples. Where the caption names a concept that the
picture does not show, that concept's units are switched off too, so that the network learns to draw an
object only by them. Nothing of this is left in the finished network, which is the host's plain UNet.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

OWNED_SHARE = 1 / 128  # of a layer's hidden units, for each concept


def unit_owners(hidden: int, concepts: int) -> Tensor:
    """Index of the owning concept of each hidden unit, int64 (hidden,); ``concepts`` where nobody owns it."""
    each = max(1, round(hidden * OWNED_SHARE))
    owners = torch.full((hidden,), concepts)
    owners[: each * concepts] = torch.arange(concepts).repeat_interleave(each)
    return owners


@dataclass
class Ownership:
    """What a batch's captions allow, all (B, concepts + 1) float; the last column is for unowned units.

    ``keep``: chance that a unit stays on. ``absent``: 1 where the caption does not name the concept.
    """

    keep: Tensor
    absent: Tensor


def feed_forward_outputs(model: nn.Module) -> list[nn.Linear]:
    """The second linear layers of the gated feed-forward blocks."""
    return [module.net[2] for module in model.modules() if type(module).__name__ == "FeedForward"]


class OwnershipHooks:
    """Applies an `Ownership` to every layer's input and collects the silence penalty."""

    def __init__(self, layers: Iterable[nn.Linear], concepts: int) -> None:
        self.layers = list(layers)
        self.owners = [unit_owners(layer.in_features, concepts) for layer in self.layers]
        self.current: Ownership | None = None
        self.penalties: list[Tensor] = []

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

    def _hook(self, owners: Tensor):
        owned = int((owners < owners.max()).sum())

        def restrict(layer: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
            assert self.current is not None
            (hidden,) = arguments
            silent = self.current.absent[:, owners[:owned]]
            loudness = hidden[..., :owned].float().abs().mean(1)
            self.penalties.append((loudness * silent).sum() / silent.sum())
            on = torch.bernoulli(self.current.keep[:, owners]).to(hidden.dtype)
            return (hidden * on[:, None, :],)

        return restrict

    def take_penalty(self) -> Tensor:
        """Mean over the layers since the last call."""
        penalty = torch.stack(self.penalties).mean()
        self.penalties.clear()
        return penalty
